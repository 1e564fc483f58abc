/**
 * Lines over time. Streams: new data is drawn, nothing is built anew. Follows the theme and its box's width; says the
 * latest values to a screen reader and shows all of them as a table on demand. The wrapped library is uPlot.
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
}

export interface TimeSeriesProps {
  /** What the plot shows. */
  title: string;
  lines: Line[];
  /** Moments in seconds since 1970, then the values of each line; all columns alike in length. */
  data: [at_s: number[], ...values: (number | null)[][]];
  height?: number;
  /** How a value is written. */
  format?: (value: number) => string;
  /** The least upper end of the axis: a quiet plot does not blow noise up. */
  top?: number;
  /** Lines on top of each other: parts of a whole. */
  stacked?: boolean;
  /** The lines alone, for a card: no axes, no words to see. */
  compact?: boolean;
}

/** Between the marks of an axis of counts: half a call is none. */
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];
/** Grounds of stacked lines are full of colour: softer, so that the quiet ones do not shout. */
const STACKED_PERCENT = 55;
/** Rows of the table: more would be read by nobody. */
const TABLE_ROWS_MAX = 30;

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

export function TimeSeries({ title, lines, data, height = 180, format = number, top = 1, stacked = false, compact = false }: TimeSeriesProps) {
  const { t } = useTranslation();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme('light');
  const [table, setTable] = useState(false);
  const counts = format === number;
  const shape = lines.map((line) => `${line.label} ${line.color} ${line.fill} ${line.dash}`).join('|');
  const drawn = useMemo(() => (stacked ? stack(data) : (data as uPlot.AlignedData)), [data, stacked]);
  const latest = useRef({ drawn, format });
  latest.current = { drawn, format };

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const dim = value('--op-dim');
    const grid = { stroke: value('--op-line'), width: 1 };
    const font = `12px ${FONT}`;
    const made = new uPlot(
      {
        width: Math.max(1, element.clientWidth),
        height,
        padding: compact ? [2, 0, 2, 0] : [8, 24, 0, 0],
        legend: { show: false },
        cursor: { show: !compact, y: false, points: { show: !stacked, size: 6 } },
        scales: { x: { time: true }, y: { range: (_plot, _least, most) => [0, Math.max(top, most * 1.1)] } },
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
  }, [shape, height, top, scheme, stacked, compact, counts]);

  useEffect(() => {
    plot.current?.setData(drawn);
  }, [drawn]);

  const [at, ...values] = data;
  const last = at.length - 1;
  const now = lines.map((line, index) => {
    const one = values[index]?.[last];
    return { ...line, now: one == null ? NONE : format(one) };
  });
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
              {lines.length > 1 && line.label} <b>{line.now}</b>
            </li>
          ))}
        </ul>
        <button type="button" className={css.toggle} aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? t('chart.asPlot') : t('chart.asTable')}
        </button>
      </figcaption>
      {/* It stays in the page, unseen, so that its size is known when it comes back. */}
      <div ref={holder} className={css.plot} style={{ height }} hidden={table} aria-hidden="true" />
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
              {Array.from({ length: Math.min(TABLE_ROWS_MAX, at.length) }, (_, index) => last - index).map((row) => (
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
