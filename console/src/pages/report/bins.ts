/** Hours of a report as they stand in a plot: without gaps, and by days where hours would be too many to see. */
import type { Thing } from '../../api/client';

type Hour = Thing<'Hour'>;

const HOUR_US = 3_600_000_000;
/** More bars than this cannot be told from each other. */
const BARS_MAX = 14 * 24;

export interface Bins {
  by: 'hour' | 'day';
  bins: Hour[];
}

const EMPTY = { attempts: 0, answered: 0, connected: 0, abandoned: 0, machines: 0, talk_s: 0 };

function add(into: Hour, from: Hour): void {
  for (const key of ['attempts', 'answered', 'connected', 'abandoned', 'machines', 'talk_s'] as const) into[key] += from[key];
}

function dayOf(at_us: number): number {
  const at = new Date(at_us / 1_000);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime() * 1_000;
}

function nextDay(at_us: number): number {
  const at = new Date(at_us / 1_000);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime() * 1_000;
}

/**
 * From the first hour with attempts to the last; days are those of this clock, of 23 to 25 hours. In zones that are not
 * whole hours from UTC an hour counts for the day in which it begins.
 */
export function binsOf(hours: Hour[]): Bins {
  const first = hours[0];
  const last = hours.at(-1);
  if (!first || !last) return { by: 'hour', bins: [] };
  const days = (last.at_us - first.at_us) / HOUR_US >= BARS_MAX;
  const step = days ? nextDay : (at_us: number) => at_us + HOUR_US;
  const place = days ? dayOf : (at_us: number) => at_us;
  const bins = new Map<number, Hour>();
  for (let at_us = place(first.at_us); at_us <= last.at_us; at_us = step(at_us)) bins.set(at_us, { at_us, ...EMPTY });
  for (const hour of hours) {
    const bin = bins.get(place(hour.at_us));
    if (bin) add(bin, hour);
  }
  return { by: days ? 'day' : 'hour', bins: [...bins.values()] };
}
