/** Counts of kinds as bars in rows: outcomes, buckets of a histogram. A table by its roles, so nothing else is needed for those who cannot see it. */
import { number, percent } from './format';
import css from './bars.module.css';

export interface Bar {
  key: string;
  label: string;
  value: number;
  color?: `--op-${string}`;
}

export interface BarsProps {
  label: string;
  /** Head of the first column and of the counts. */
  heads: [string, string];
  bars: Bar[];
  /** Bars by the logarithm: a handful beside a million is still seen. The numbers tell the rest. */
  log?: boolean;
  /** Of the whole, beside each count. */
  share?: boolean;
}

export function Bars({ label, heads, bars, log, share }: BarsProps) {
  const total = bars.reduce((sum, bar) => sum + bar.value, 0);
  const scale = (value: number) => (log ? Math.log10(1 + value) : value);
  const most = Math.max(...bars.map((bar) => scale(bar.value)), Number.EPSILON);
  return (
    <table className={css.table}>
      <caption className="op-visually-hidden">{label}</caption>
      <thead className="op-visually-hidden">
        <tr>
          <th scope="col">{heads[0]}</th>
          <th scope="col">{heads[1]}</th>
        </tr>
      </thead>
      <tbody>
        {bars.map((bar) => (
          <tr key={bar.key}>
            <th scope="row" className={css.label}>{bar.label}</th>
            <td className={css.cell}>
              <div className={css.inside}>
                <div className={css.track} aria-hidden="true">
                  <div className={css.fill} style={{ width: `${(scale(bar.value) / most) * 100}%`, minWidth: bar.value > 0 ? 2 : 0, background: `var(${bar.color ?? '--op-talk'})` }} />
                </div>
                <span className={css.value}>{number(bar.value)}</span>
                {share && <span className={css.share}>{percent(total > 0 ? bar.value / total : 0, 0)}</span>}
              </div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
