/** Probabilities over time with the thresholds that held, the end of the first words, and the moment of the verdict. */
import { useElementSize } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fixed, percent } from '../../parts/format';
import { Legend } from '../../parts/legend';
import { useWords } from '../../parts/words';
import css from './listening.module.css';
import { courses, seconds, stepAt } from './trace';

export interface TracePlotProps {
  classes: readonly string[];
  steps: readonly (readonly number[])[];
  step_ms: number;
  /** Enough for a person, and for the machines together; `null` where none held. */
  human: number | null;
  machine: number | null;
  verdict: string;
  verdict_ms: number;
  utterance_end_ms: number | null;
  /** When speech was heard, from and to; and when beeps were told. */
  speech: readonly (readonly number[])[];
  beeps_ms: readonly number[];
  /** Where the sound is that is being played. */
  playing_ms: number | null;
}

const HEIGHT_PX = 240;
const LEFT_PX = 44;
const RIGHT_PX = 12;
/** Two lines of words above the plot: the verdict, and below it the end of the words. */
const HEAD_PX = 36;
/** A strip for speech and beeps, and the seconds below it. */
const FOOT_PX = 40;
const STRIP_PX = 8;
const COLORS: Record<string, string> = { human: 'var(--op-ok)', machines: 'var(--op-machine)', silence: 'var(--op-idle)', fax: 'var(--op-warn)', sit: 'var(--op-bad)' };

export function TracePlot({ classes, steps, step_ms, human, machine, verdict, verdict_ms, utterance_end_ms, speech, beeps_ms, playing_ms }: TracePlotProps) {
  const { t } = useTranslation('listening');
  const word = useWords();
  const { ref, width } = useElementSize();
  const [pointed_ms, setPointed] = useState<number | null>(null);
  const lines = useMemo(() => courses(classes, steps), [classes, steps]);
  const to_ms = Math.max(1_000, steps.length * step_ms, verdict_ms, utterance_end_ms ?? 0) * 1.02;
  const x = (at_ms: number) => LEFT_PX + ((width - LEFT_PX - RIGHT_PX) * at_ms) / to_ms;
  const bottom = HEIGHT_PX - FOOT_PX;
  const y = (part: number) => HEAD_PX + (bottom - HEAD_PX) * (1 - part);
  const nameOf = (code: string) => (code === 'machines' ? t('trace.machines') : word('verdict', code));
  const at_ms = pointed_ms ?? playing_ms ?? verdict_ms;
  const step = stepAt(at_ms, step_ms, steps.length);
  const said = `${word('verdict', verdict)} ${t('trace.at', { seconds: fixed(verdict_ms / 1_000, 2) })}`;
  const summary = `${said}. ${lines.map(({ code, values }) => `${nameOf(code)} ${percent(values[stepAt(verdict_ms, step_ms, steps.length)] ?? 0, 0)}`).join(', ')}`;
  // Words stand on the side that has room.
  const side = (moment_ms: number) => (moment_ms > to_ms / 2 ? ({ textAnchor: 'end', dx: -6 } as const) : ({ textAnchor: 'start', dx: 6 } as const));
  return (
    <figure className={css.trace}>
      <Legend>
        {lines.map(({ code, values }) => (
          <li key={code}>
            <span className={css.swatch} style={{ background: COLORS[code] }} />
            {nameOf(code)} <b>{step < 0 ? '' : percent(values[step] ?? 0, 0)}</b>
          </li>
        ))}
        {(human ?? machine) !== null && <li><span className={css.enough} />{t('trace.enough')}</li>}
        {speech.length > 0 && <li><span className={css.swatch} style={{ background: 'var(--op-talk)', height: 8 }} />{t('trace.speech')}</li>}
        {beeps_ms.length > 0 && <li><span className={css.beep} />{t('trace.beep')}</li>}
        <li className={css.moment}>{t('trace.at', { seconds: fixed(at_ms / 1_000, 2) })}</li>
      </Legend>
      <div ref={ref}>
        {width > 0 && (
          <svg
            role="img"
            aria-label={summary}
            width={width}
            height={HEIGHT_PX}
            fontSize={12}
            onPointerMove={(event) => {
              const to = ((event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT_PX) / (width - LEFT_PX - RIGHT_PX)) * to_ms;
              setPointed(to >= 0 && to <= to_ms ? to : null);
            }}
            onPointerLeave={() => setPointed(null)}
          >
            {[0, 0.25, 0.5, 0.75, 1].map((part) => (
              <g key={part}>
                <line x1={LEFT_PX} x2={width - RIGHT_PX} y1={y(part)} y2={y(part)} stroke="var(--op-line)" />
                {part % 0.5 === 0 && <text x={LEFT_PX - 8} y={y(part) + 4} textAnchor="end" fill="var(--op-dim)">{percent(part, 0)}</text>}
              </g>
            ))}
            {seconds(to_ms).map((at) => <text key={at} x={x(at * 1_000)} y={HEIGHT_PX - 6} textAnchor={at === 0 ? 'start' : 'middle'} fill="var(--op-dim)">{t('trace.seconds', { seconds: at })}</text>)}
            <rect x={LEFT_PX} y={bottom + 6} width={Math.max(0, width - LEFT_PX - RIGHT_PX)} height={STRIP_PX} rx={2} fill="var(--op-sunken)" />
            {speech.map(([from_ms = 0, until_ms = 0]) => <rect key={from_ms} x={x(from_ms)} y={bottom + 6} width={Math.max(1, x(until_ms) - x(from_ms))} height={STRIP_PX} rx={2} fill="var(--op-talk)"><title>{t('trace.speech')}</title></rect>)}
            {beeps_ms.map((at) => <circle key={at} cx={x(at)} cy={bottom + 6 + STRIP_PX / 2} r={5} fill="var(--op-warn)"><title>{t('trace.beep')}</title></circle>)}
            {([['human', human], ['machines', machine]] as const).map(([code, threshold]) => threshold !== null && (
              <line key={code} x1={LEFT_PX} x2={width - RIGHT_PX} y1={y(threshold)} y2={y(threshold)} stroke={COLORS[code]} strokeDasharray="5 4" strokeOpacity={0.8}>
                <title>{t('trace.threshold', { what: nameOf(code), part: percent(threshold, 1) })}</title>
              </line>
            ))}
            {utterance_end_ms !== null && (
              <g>
                <line x1={x(utterance_end_ms)} x2={x(utterance_end_ms)} y1={HEAD_PX - 14} y2={bottom} stroke="var(--op-dim)" strokeDasharray="2 3" />
                <text {...side(utterance_end_ms)} x={x(utterance_end_ms)} y={HEAD_PX - 5} fill="var(--op-dim)">{t('trace.wordsEnd')}</text>
              </g>
            )}
            {lines.slice().reverse().map(({ code, values }) => (
              <polyline
                key={code}
                fill="none"
                stroke={COLORS[code]}
                strokeWidth={code === 'human' || code === 'machines' ? 2.25 : 1.25}
                strokeLinejoin="round"
                points={values.map((value, index) => `${x((index + 1) * step_ms)},${y(value)}`).join(' ')}
              />
            ))}
            <line x1={x(verdict_ms)} x2={x(verdict_ms)} y1={HEAD_PX - 30} y2={bottom} stroke="var(--op-text)" strokeWidth={1.5} />
            <text {...side(verdict_ms)} x={x(verdict_ms)} y={HEAD_PX - 22} fontWeight={650} fill="var(--op-text)">{said}</text>
            {(pointed_ms ?? playing_ms) !== null && <line x1={x(at_ms)} x2={x(at_ms)} y1={HEAD_PX} y2={bottom} stroke="var(--op-accent)" strokeWidth={1.5} />}
          </svg>
        )}
      </div>
    </figure>
  );
}
