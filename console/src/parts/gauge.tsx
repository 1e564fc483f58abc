/** A value against its limit: a bar with a mark where the limit is. */
import css from './gauge.module.css';

export interface GaugeProps {
  label: string;
  value: number;
  limit: number;
  /** What it says, in words; read instead of the number. */
  words: string;
  tone: 'ok' | 'warn' | 'bad';
}

/** The limit stands at this part of the bar, so that more than it still shows. */
const LIMIT_AT = 0.75;

export function Gauge({ label, value, limit, words, tone }: GaugeProps) {
  const part = limit > 0 ? Math.min(1, (value / limit) * LIMIT_AT) : value > 0 ? 1 : 0;
  return (
    <div className={css.gauge} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={Math.max(limit, value)} aria-valuenow={value} aria-valuetext={words}>
      <div className={css.fill} data-tone={tone} style={{ width: `${part * 100}%` }} />
      <div className={css.mark} style={{ left: `${LIMIT_AT * 100}%` }} />
    </div>
  );
}
