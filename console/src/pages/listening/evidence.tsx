/** All that was kept of one verdict: what was thought over time, why it was decided, and the sound where it was kept. */
import { Button, Loader } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Thing } from '../../api/client';
import { ErrorNote, ErrorState } from '../../parts/error_state';
import { fixed, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Moment } from '../../parts/moment';
import { Pairs } from '../../parts/pairs';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { outcomeTone, useWords } from '../../parts/words';
import css from './listening.module.css';
import type { Sound } from './sound';
import { TracePlot } from './trace_plot';

export interface EvidencePanelProps {
  judgement: Thing<'Judgement'>;
  /** `undefined` while it is on its way. */
  evidence: Thing<'EvidenceView'> | undefined;
  error: unknown;
  onRetry: () => void;
  sound: Sound;
}

/** A threshold of the rules, which are an object that grows over versions. */
function threshold(rules: unknown, name: string): number | null {
  const found = (rules as Record<string, unknown> | null)?.[name];
  return typeof found === 'number' ? found : null;
}

export function EvidencePanel({ judgement, evidence, error, onRetry, sound }: EvidencePanelProps) {
  const { t, i18n } = useTranslation('listening');
  const word = useWords();
  const cause = `cause.${judgement.cause.toLowerCase()}`;
  return (
    <>
      <Panel className={css.heard}>
        <div className={css.head}>
          <span className={css.number}>{judgement.number}</span>
          <StateBadge tone={judgement.verdict === 'human' ? 'ok' : outcomeTone(judgement.verdict)}>{word('verdict', judgement.verdict)}</StateBadge>
          <StateBadge tone="idle">{word('handling', judgement.handling)}</StateBadge>
          {judgement.audio ? (
            <Button
              size="xs"
              variant="light"
              className={css.play}
              aria-keyshortcuts="Space"
              loading={sound.loading}
              leftSection={<Icon name={sound.at_ms === null ? 'play' : 'stop'} size={16} />}
              onClick={(event) => {
                sound.toggle();
                // Who clicks goes on with keys, of which the space bar is for the whole page.
                if (event.detail > 0) event.currentTarget.blur();
              }}
            >
              {sound.at_ms === null ? t('play') : t('stop')}
            </Button>
          ) : (
            <span className={css.play}>{t('noSound')}</span>
          )}
        </div>
        <ErrorNote error={sound.error} />
        {error && !evidence ? (
          <ErrorState error={error} onRetry={onRetry} />
        ) : !evidence ? (
          <div className={css.wait}><Loader size="sm" aria-label={t('reading')} /></div>
        ) : evidence.trace.steps.length === 0 ? (
          <p className={css.none}>{t(evidence.detector === 'classic' ? 'noTraceClassic' : 'noTrace')}</p>
        ) : (
          <TracePlot
            classes={evidence.trace.classes}
            steps={evidence.trace.steps}
            step_ms={evidence.trace.step_ms}
            human={threshold(evidence.rules, 'human')}
            machine={threshold(evidence.rules, 'machine')}
            verdict={evidence.verdict}
            verdict_ms={evidence.verdict_ms}
            utterance_end_ms={evidence.utterance_end_ms ?? null}
            speech={evidence.speech}
            beeps_ms={evidence.beeps_ms}
            playing_ms={sound.at_ms}
          />
        )}
      </Panel>
      <Panel title={t('facts')} className={css.facts}>
        <Pairs
          of={[
            [t('cause.title'), i18n.exists(`listening:${cause}`) ? (t as (key: string) => string)(cause) : judgement.cause],
            [t('said'), judgement.label?.answered ? t(judgement.label.source === 'agent' ? 'saidAgent' : 'saidListener', { answered: word('answered', judgement.label.answered) }) : null],
            [t('at'), <Moment key="at" at_us={judgement.at_us} />],
            [t('campaign'), judgement.campaign ?? null],
            [t('attempt'), <Link key="attempt" className="op-link" to={`/results?open=${judgement.attempt}`}>{number(judgement.attempt)}</Link>],
            [t('detector'), [judgement.detector, judgement.model?.slice(0, 12)].filter(Boolean).join(' ')],
            [t('shadow'), judgement.shadow ? shadowSays(judgement.shadow) : null],
            [t('line'), evidence ? t('lineOf', { codec: evidence.codec, packets: number(evidence.packets), loss: percent(evidence.packets > 0 ? evidence.lost / evidence.packets : 0, 1) }) : null],
            [t('kept'), evidence?.audio_until_us != null ? <>{t('soundUntil')} <Moment at_us={evidence.audio_until_us} /></> : null],
          ]}
        />
      </Panel>
    </>
  );

  function shadowSays(shadow: NonNullable<Thing<'Judgement'>['shadow']>): string {
    if (shadow.verdict == null) return t('shadowOpen');
    return shadow.at_ms == null ? word('verdict', shadow.verdict) : t('shadowOf', { verdict: word('verdict', shadow.verdict), seconds: fixed(shadow.at_ms / 1_000, 2) });
  }
}
