/** A number that people look for: large, with its unit, what it is, and how it moves. */
import type { ReactNode } from 'react';
import { Icon } from './icons';
import css from './figure.module.css';

export interface FigureProps {
  label: string;
  value: ReactNode;
  unit?: string;
  /** Below: a comparison or an explanation. */
  note?: ReactNode;
  /** How it moved; `good` says which way is the better one. */
  trend?: { text: string; way: 'up' | 'down' | 'level'; good?: 'up' | 'down' };
  tone?: 'plain' | 'ok' | 'warn' | 'bad' | 'dim';
  size?: 'small' | 'normal' | 'large';
}

export function Figure({ label, value, unit, note, trend, tone = 'plain', size = 'normal' }: FigureProps) {
  const trendTone = !trend || trend.way === 'level' || !trend.good ? 'dim' : trend.way === trend.good ? 'ok' : 'bad';
  return (
    <div className={css.figure} data-size={size}>
      <div className={css.label}>{label}</div>
      <div className={css.value} data-tone={tone}>
        {value}
        {unit && <span className={css.unit}> {unit}</span>}
      </div>
      {trend && (
        <div className={css.trend} data-tone={trendTone}>
          {trend.way !== 'level' && <Icon name={trend.way} size={13} />}
          {trend.text}
        </div>
      )}
      {note && <div className={css.note}>{note}</div>}
    </div>
  );
}

/** Figures side by side. */
export function Figures({ children }: { children: ReactNode }) {
  return <div className={css.figures}>{children}</div>;
}
