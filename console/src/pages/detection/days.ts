/** The shares of days as a plot shows them. */

import type { Thing } from '../../api/client';

/** A share with its bounds of 95 %. */
export type Interval = Thing<'Interval'>;

/** Ends of the axis: the least of these that holds all that is drawn. */
const TOPS = [0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** The upper end of the axis: all shares and the knob are seen, and wide intervals as far as they do not flatten the rest. */
export function topOf(shares: readonly (Interval | null)[], limit: number): number {
  const drawn = shares.filter((one) => one !== null);
  const most = Math.max(limit, ...drawn.map(({ share }) => share), drawn.length > 0 ? Math.min(...drawn.map(({ high }) => high)) : 0);
  return TOPS.find((one) => one >= most * 1.15) ?? 1;
}

/** Every how many days one is named, so that names do not touch. */
export function everyDay(days: number, width_px: number): number {
  const room = Math.max(1, Math.floor(width_px / 64));
  return Math.max(1, Math.ceil(days / room));
}
