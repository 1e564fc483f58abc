/** How near the abandon limit is: the rate against it, and how many more persons may be abandoned before it is passed. */
import { useTranslation } from 'react-i18next';
import type { LedgerWindow } from '../../api/boards';
import { Gauge } from '../../parts/gauge';
import { number, percent } from '../../parts/format';
import css from './board.module.css';

/** A rate of so much of its limit is near it; so is one that the next abandoned call takes over it. */
const NEAR = 0.8;

export function toneOf(window: LedgerWindow): 'ok' | 'warn' | 'bad' {
  if (window.abandon_rate > window.limit) return 'bad';
  if (window.connected + window.abandoned === 0) return 'ok';
  // At the start so few were reached that one abandoned would pass it: that is how it begins, not a danger.
  if (window.abandoned === 0) return 'ok';
  return window.budget_left <= 0 || window.abandon_rate > window.limit * NEAR ? 'warn' : 'ok';
}

/** The window that binds: the one with the least budget left. */
export function tightest(windows: LedgerWindow[]): LedgerWindow | undefined {
  return windows.reduce<LedgerWindow | undefined>((least, window) => (least && least.budget_left <= window.budget_left ? least : window), undefined);
}

/** `run`, `local_day`, `month`, `days:30`, `rolling:24h` in words. */
export function useWindowName(): (window: string) => string {
  const { t } = useTranslation('board');
  return (window) => {
    const days = /^days:(\d+)$/.exec(window)?.[1];
    if (days) return t('window.days', { count: Number(days) });
    const hours = /^rolling:(\d+)h$/.exec(window)?.[1];
    if (hours) return t('window.hours', { count: Number(hours) });
    if (window === 'month') return t('window.month');
    return window === 'run' ? t('window.run') : window === 'local_day' ? t('window.localDay') : window;
  };
}

/** How many persons must be connected in all before one of them may be abandoned: c · limit ÷ (1 − limit) ≥ 1. */
export function connectedForOne(limit: number): number {
  return Math.ceil((1 - limit) / limit - 1e-9);
}

export function Budget({ window, named, size = 'normal' }: { window: LedgerWindow; named?: boolean; size?: 'normal' | 'large' }) {
  const { t } = useTranslation('board');
  const nameOf = useWindowName();
  const tone = toneOf(window);
  const left = window.budget_left;
  const reached = window.connected + window.abandoned;
  const early = left === 0 && window.abandoned === 0 && window.limit > 0 ? connectedForOne(window.limit) : null;
  const budget =
    reached === 0 ? t('budget.nobody') : early !== null ? t('budget.early', { count: early, number: number(early) }) : left > 0 ? t('budget.left', { count: left, number: number(left) }) : left === 0 ? t('budget.none') : t('budget.over', { count: -left, number: number(-left) });
  const rate = t('budget.rate', { rate: percent(window.abandon_rate, 2), limit: percent(window.limit, 1) });
  return (
    <div className={css.budget} data-size={size}>
      <div className={css.budgetLine}>
        <span className={css.budgetName}>{named ? nameOf(window.window) : t('abandonRate')}</span>
        <span className={css.rate}>
          <b data-tone={tone}>{percent(window.abandon_rate, 2)}</b> {t('budget.of', { limit: percent(window.limit, 1) })}
        </span>
      </div>
      <Gauge label={named ? nameOf(window.window) : t('abandonRate')} value={window.abandon_rate} limit={window.limit} words={`${rate}. ${budget}`} tone={tone} />
      <div className={css.budgetLeft} data-tone={tone}>{budget}</div>
    </div>
  );
}
