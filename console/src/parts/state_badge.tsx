/** A state in a word and a colour; never by the colour alone. */
import type { ReactNode } from 'react';
import css from './state_badge.module.css';

export type Tone = 'ok' | 'warn' | 'bad' | 'idle' | 'accent';

export function StateBadge({ tone, children, pulse }: { tone: Tone; children: ReactNode; pulse?: boolean }) {
  return (
    <span className={css.badge} data-tone={tone}>
      <span className={css.dot} data-pulse={pulse || undefined} />
      {children}
    </span>
  );
}
