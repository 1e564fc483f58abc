/**
 * Lines over time. Streams: new data is drawn, nothing is built anew. Follows the theme and its box's width; says the
 * latest values (or those under the pointer) and shows all of them as a table on demand. The wrapped library is uPlot.
 */
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { FONT } from '../app/theme';
import { NONE, number, time } from './format';
import css from './time_series.module.css';

export interface Line {
  label: string;
  /** A colour variable: `--op-talk`. */
  color: `--${string}`;
  /** Filled down to zero. */
  fill?: boolean;
  dash?: boolean;
  /** A band lies around it: after the lines' columns stand the low and the high end of each band. */
  band?: boolean;
}

export interface TimeSeriesProps {
  /** What the plot shows. */
  title: string;
  lines: Line[];
  /** Moments in seconds since 1970, then the values of each line, then the ends of the bands; all columns alike in length. */
  data: [at_s: number[], ...values: (number | null)[][]];
  height?: number;
  /** How a value is written. */
  format?: (value: number) => string;
  /** The least upper end of the axis: a quiet plot does not blow noise up. */
  top?: number;
  /** The axis spans what there is instead of beginning at zero: where small differences of large values are the matter. */
  fit?: boolean;
  /** Lines on top of each other: parts of a whole. */
  stacked?: boolean;
  /** A course that is over: no value is the latest. */
  over?: boolean;
  /** A click on a moment leads somewhere; who has no pointer gets there otherwise. */
  pick?: { says: string; go: (at_s: number) => void };
  /** The lines alone, for a card: no axes, no words to see. */
  compact?: boolean;
}

/** Between the marks of an axis of counts: half a call is none. */
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];
/** Grounds of stacked lines are full of colour: softer, so that the quiet ones do not shout. */
const STACKED_PERCENT = 55;
/** Rows of the table: more would be read by nobody. A course that is over has a row for each quarter of an hour. */
const TABLE_ROWS_MAX = 30;
const TABLE_ROWS_OVER_MAX = 96;
/** Around the least and the greatest value of an axis that does not begin at zero. */
const FIT_MARGIN = 0.1;

/** Sums from below: what is drawn of stacked lines. The highest is drawn first, so that each covers what is not its own. */
function stack(data: TimeSeriesProps['data']): uPlot.AlignedData {
  const [at, ...values] = data;
  let below: (number | null)[] = at.map(() => 0);
  const sums = values.map((column) => (below = column.map((one, index) => (below[index] ?? 0) + (one ?? 0))));
  return [at, ...sums.reverse()];
}

function value(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function TimeSeries({ title, lines, data, height = 180, format = number, top = 1, fit = false, stacked = false, over = false, pick, compact = false }: TimeSeriesProps) {
  const { t } = useTranslation();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme('light');
  const [table, setTable] = useState(false);
  const [pointed, setPointed] = useState<number | null>(null);
  const counts = format === number;
  const shape = lines.map((line) => `${line.label} ${line.color} ${line.fill} ${line.dash} ${line.band}`).join('|');
  const drawn = useMemo(() => (stacked ? stack(data) : (data as uPlot.AlignedData)), [data, stacked]);
  const latest = useRef({ drawn, format });
  latest.current = { drawn, format };

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const dim = value('--op-dim');
    const grid = { stroke: value('--op-line'), width: 1 };
    const font = `12px ${FONT}`;
    const banded = lines.filter((line) => line.band);
    // Counted as uPlot counts: the moments are series 0.
    const bandAt = (index: number) => 1 + lines.length + 2 * index;
    const made = new uPlot(
      {
        width: Math.max(1, element.clientWidth),
        height,
        padding: compact ? [2, 0, 2, 0] : [8, 24, 0, 0],
        legend: { show: false },
        cursor: { show: !compact, y: false, points: { show: !stacked, size: 6 } },
        hooks: compact ? {} : { setCursor: [(plot) => setPointed(plot.cursor.idx ?? null)] },
        scales: {
          x: { time: true },
          y: {
            range: (_plot, least, most) => {
              const margin = FIT_MARGIN * (most - least || most || 1);
              return fit ? [Math.max(0, least - margin), Math.min(top, most + margin)] : [Math.min(0, least * 1.1), Math.max(top, most * 1.1)];
            },
          },
        },
        bands: banded.map((line, index) => ({ series: [bandAt(index) + 1, bandAt(index)], fill: `color-mix(in srgb, ${value(line.color)} 16%, transparent)` })),
        axes: compact ? [{ show: false }, { show: false }] : [
          { stroke: dim, font, grid: { show: false }, ticks: { show: false }, size: 20, space: 70, values: (_plot, splits) => splits.map((at_s) => time(at_s * 1_000_000).replace(/(:\d\d):00(\D*)$/, '$1$2')) },
          { stroke: dim, font, grid, ticks: { show: false }, size: 44, space: 34, incrs: counts ? WHOLE_STEPS : undefined, values: (_plot, splits) => splits.map((one) => latest.current.format(one)) },
        ],
        series: [
          {},
          ...(stacked ? lines.slice().reverse() : lines).map((line) => ({
            label: line.label,
            stroke: value(line.color),
            width: stacked ? 1 : 1.75,
            dash: line.dash ? [5, 4] : undefined,
            fill: stacked ? `color-mix(in srgb, ${value(line.color)} ${STACKED_PERCENT}%, ${value('--op-surface')})` : line.fill ? `color-mix(in srgb, ${value(line.color)} 18%, transparent)` : undefined,
            points: { show: false },
          })),
          ...banded.flatMap(() => [{ width: 0, points: { show: false } }, { width: 0, points: { show: false } }]),
        ],
      },
      latest.current.drawn,
      element,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== made.width) made.setSize({ width: element.clientWidth, height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `shape` stands for `lines`, whose identity changes with each render.
  }, [shape, height, top, scheme, fit, stacked, compact, counts]);

  useEffect(() => {
    plot.current?.setData(drawn);
  }, [drawn]);

  const [at, ...values] = data;
  const last = at.length - 1;
  // Points may have gone while the pointer rests.
  const shown = pointed !== null && pointed <= last ? pointed : over ? null : last;
  const now = lines.map((line, index) => {
    const one = shown === null ? undefined : values[index]?.[shown];
    return { ...line, now: shown === null ? '' : one == null ? NONE : format(one) };
  });
  const rows = Array.from({ length: Math.min(over ? TABLE_ROWS_OVER_MAX : TABLE_ROWS_MAX, at.length) }, (_, index) => (over ? index : last - index));
  // By where the click is: a finger points at nothing before it taps.
  const picked = ({ clientX }: { clientX: number }) => {
    const made = plot.current;
    const at_s = made && at[made.posToIdx(clientX - made.over.getBoundingClientRect().left)];
    if (at_s) pick?.go(at_s);
  };
  if (compact) {
    const words = now.map((line) => `${line.label} ${line.now}`).join(', ');
    return <div ref={holder} className={css.plot} style={{ height }} role="img" aria-label={`${title}: ${words}`} />;
  }
  return (
    <figure className={css.figure}>
      <figcaption className={css.caption}>
        <span className={css.title}>{title}</span>
        <ul className={css.legend}>
          {now.map((line) => (
            <li key={line.label}>
              <span className={css.swatch} data-dash={line.dash || undefined} style={{ background: line.dash ? undefined : `var(${line.color})`, borderColor: `var(${line.color})` }} />
              {/* One line is what the title says. */}
              {lines.length > 1 && line.label} {line.now !== '' && <b>{line.now}</b>}
            </li>
          ))}
          {pointed !== null && shown === pointed && <li>{time((at[shown] ?? 0) * 1_000_000)}</li>}
        </ul>
        <button type="button" className={css.toggle} aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? t('chart.asPlot') : t('chart.asTable')}
        </button>
      </figcaption>
      {/* It stays in the page, unseen, so that its size is known when it comes back. */}
      <div ref={holder} className={css.plot} style={{ height }} data-pick={pick && true} title={pick?.says} hidden={table} aria-hidden="true" onClick={pick && picked} />
      {table && (
        <div className={css.tableBox} style={{ maxHeight: height }} tabIndex={0} role="region" aria-label={title}>
          <table className={css.table}>
            <thead>
              <tr>
                <th scope="col">{t('chart.time')}</th>
                {lines.map((line) => <th key={line.label} scope="col">{line.label}</th>)}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={at[row]}>
                  <th scope="row">{time((at[row] ?? 0) * 1_000_000)}</th>
                  {lines.map((line, column) => {
                    const one = values[column]?.[row];
                    return <td key={line.label}>{one == null ? NONE : format(one)}</td>;
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </figure>
  );
}
