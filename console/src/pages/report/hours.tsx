/**
 * Attempts and what came of them, hour by hour. Drawn by hand as SVG, so that it prints sharp and can be taken along as
 * a file; the same figures stand in a table on demand.
 */
import { Button, Group } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { compact, date, dateTime, hourOfDay, hours, number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Legend } from '../../parts/legend';
import { Panel } from '../../parts/panel';
import { tellProblem } from '../../parts/told';
import type { Bins } from './bins';
import { ticksOf } from './ticks';
import { savePng, saveSvg } from './save';
import css from './report.module.css';

const TOP_PX = 220;
const BOTTOM_PX = 64;
const GAP_PX = 34;
const FOOT_PX = 26;
const LEFT_PX = 48;
const HEAD_PX = 14;
/** Between two words below the axis. */
const LABEL_PX = 76;
const BAR_MAX_PX = 40;

const LINES = [
  { key: 'attempts', color: '--op-break', part: 1 },
  { key: 'answered', color: '--op-talk', part: 0.72 },
  { key: 'connected', color: '--op-ok', part: 0.44 },
] as const;

export function Hours({ bins, file }: { bins: Bins; file: string }) {
  const { t } = useTranslation('report');
  const [table, setTable] = useState(false);
  const { ref, width } = useElementSize();
  const svg = useRef<SVGSVGElement>(null);
  const title = t(bins.by === 'day' ? 'byDay' : 'byHour');
  const save = (how: (svg: SVGSVGElement, name: string) => Promise<void>) => {
    if (svg.current) how(svg.current, file).catch(tellProblem);
  };
  const aside = (
    <Group gap={6} className="op-no-print">
      <Button size="compact-sm" variant="subtle" aria-pressed={table} onClick={() => setTable(!table)}>{table ? t('asPlot') : t('asTable')}</Button>
      {!table && (
        <>
          <Button size="compact-sm" variant="subtle" leftSection={<Icon name="download" size={14} />} onClick={() => save(saveSvg)} aria-label={t('saveSvg')}>SVG</Button>
          <Button size="compact-sm" variant="subtle" leftSection={<Icon name="download" size={14} />} onClick={() => save(savePng)} aria-label={t('savePng')}>PNG</Button>
        </>
      )}
    </Group>
  );
  return (
    <Panel title={title} aside={aside}>
      {table ? (
        <Table bins={bins} label={title} />
      ) : (
        <div ref={ref}>
          <Legend>
            {LINES.map((line) => <li key={line.key}><span className={css.swatch} style={{ background: `var(${line.color})` }} />{t(line.key)}</li>)}
            <li><span className={css.swatch} style={{ background: 'var(--op-bad)' }} />{t('abandoned')}</li>
          </Legend>
          {width > 0 && <Plot ref={svg} bins={bins} width={width} label={t('plotSays', { title, attempts: sum(bins, 'attempts'), connected: sum(bins, 'connected'), abandoned: sum(bins, 'abandoned') })} />}
        </div>
      )}
    </Panel>
  );
}

function sum(bins: Bins, key: 'attempts' | 'connected' | 'abandoned'): string {
  return number(bins.bins.reduce((total, bin) => total + bin[key], 0));
}

function Plot({ bins: { by, bins }, width, label, ref }: { bins: Bins; width: number; label: string; ref: React.Ref<SVGSVGElement> }) {
  const { t } = useTranslation('report');
  const slot = (width - LEFT_PX) / Math.max(1, bins.length);
  const bar = Math.max(1, Math.min(BAR_MAX_PX, slot * 0.82));
  const x = (index: number) => LEFT_PX + slot * (index + 0.5);
  const ticks = ticksOf(Math.max(...bins.map((bin) => bin.attempts)), 4);
  const lost = ticksOf(Math.max(...bins.map((bin) => bin.abandoned)), 2);
  const top = ticks.at(-1) ?? 1;
  const lostTop = lost.at(-1) ?? 1;
  const y = (value: number) => HEAD_PX + TOP_PX * (1 - value / top);
  const below = HEAD_PX + TOP_PX + GAP_PX;
  const lostY = (value: number) => below + BOTTOM_PX * (1 - value / lostTop);
  const height = below + BOTTOM_PX + FOOT_PX;
  // As many words as have room, at round distances.
  const every = bins.length === 0 ? 1 : [1, 2, 3, 4, 6, 8, 12, 24, 48].find((step) => step * slot >= LABEL_PX) ?? Math.ceil(LABEL_PX / slot);
  return (
    <svg ref={ref} role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`} className={css.plot} fontSize={12}>
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={LEFT_PX} x2={width} y1={y(tick)} y2={y(tick)} stroke="var(--op-line)" />
          <text x={LEFT_PX - 8} y={y(tick) + 4} textAnchor="end" fill="var(--op-dim)">{compact(tick)}</text>
        </g>
      ))}
      <text x={LEFT_PX} y={below - 12} fill="var(--op-dim)">{t('abandoned')}</text>
      {lost.map((tick) => (
        <g key={tick}>
          <line x1={LEFT_PX} x2={width} y1={lostY(tick)} y2={lostY(tick)} stroke="var(--op-line)" />
          <text x={LEFT_PX - 8} y={lostY(tick) + 4} textAnchor="end" fill="var(--op-dim)">{compact(tick)}</text>
        </g>
      ))}
      {bins.map((bin, index) => (
        <g key={bin.at_us}>
          <title>{t('barSays', { at: by === 'day' ? date(bin.at_us) : dateTime(bin.at_us), attempts: number(bin.attempts), answered: number(bin.answered), connected: number(bin.connected), abandoned: number(bin.abandoned) })}</title>
          {/* All of the slot answers to the pointer, also above a low bar. */}
          <rect x={x(index) - slot / 2} y={HEAD_PX} width={slot} height={height - FOOT_PX - HEAD_PX} fill="transparent" />
          {LINES.map((line) => bin[line.key] > 0 && (
            <rect key={line.key} x={x(index) - (bar * line.part) / 2} y={y(bin[line.key])} width={bar * line.part} height={y(0) - y(bin[line.key])} rx={Math.min(2, bar / 4)} fill={`var(${line.color})`} />
          ))}
          {bin.abandoned > 0 && <rect x={x(index) - bar / 2} y={lostY(bin.abandoned)} width={bar} height={lostY(0) - lostY(bin.abandoned)} rx={Math.min(2, bar / 4)} fill="var(--op-bad)" />}
          {index % every === 0 && x(index) <= width - LABEL_PX / 4 && <text x={x(index)} y={height - 8} textAnchor="middle" fill="var(--op-dim)">{by === 'day' ? date(bin.at_us) : hourOfDay(bin.at_us, bins.length > 24)}</text>}
        </g>
      ))}
    </svg>
  );
}

function Table({ bins: { by, bins }, label }: { bins: Bins; label: string }) {
  const { t } = useTranslation('report');
  return (
    <div className={css.tableBox} tabIndex={0} role="group" aria-label={label}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{t('when')}</th>
            {(['attempts', 'answered', 'machines', 'connected', 'abandoned', 'talk'] as const).map((key) => <th key={key} scope="col">{t(key)}</th>)}
          </tr>
        </thead>
        <tbody>
          {bins.map((bin) => (
            <tr key={bin.at_us}>
              <th scope="row">{by === 'day' ? date(bin.at_us) : dateTime(bin.at_us)}</th>
              <td>{number(bin.attempts)}</td>
              <td>{number(bin.answered)}</td>
              <td>{number(bin.machines)}</td>
              <td>{number(bin.connected)}</td>
              <td>{number(bin.abandoned)}</td>
              <td>{hours(bin.talk_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
