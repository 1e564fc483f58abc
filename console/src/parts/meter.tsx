/** How much of something is used: a bar for the eye, the words beside it for everybody. */
import type { ReactNode } from 'react';
import css from './meter.module.css';

export interface MeterProps {
  /** 0 to 1; more is drawn as full. */
  part: number;
  tone?: 'accent' | 'ok' | 'warn' | 'bad';
  children: ReactNode;
}

export function Meter({ part, tone = 'accent', children }: MeterProps) {
  return (
    <span className={css.meter}>
      <span className={css.track} aria-hidden="true">
        <span className={css.fill} data-tone={tone} style={{ display: 'block', width: `${Math.round(Math.min(1, Math.max(0, part)) * 1000) / 10}%` }} />
      </span>
      <span className={css.text}>{children}</span>
    </span>
  );
}
