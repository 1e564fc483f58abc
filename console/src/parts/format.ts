/** Numbers, moments and spans as people of the chosen language write them. All through Intl. */
import { i18n } from '../app/i18n';

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** The language as the browser's own region writes it (en-GB, de-AT), when the browser wants that language at all. */
export function regional(language: string, wanted: readonly string[]): string {
  return wanted.find((one) => one === language || one.startsWith(`${language}-`)) ?? language;
}

function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: (language: string) => T): T {
  const language = regional(i18n.language || 'en', navigator.languages);
  const name = `${language} ${key}`;
  const found = cache.get(name) as T | undefined;
  if (found) return found;
  const made = make(language);
  cache.set(name, made);
  return made;
}

/** What stands where there is nothing to show. */
export const NONE = '–';

/** A count or a measure, with at most so many digits behind the point. */
export function number(value: number, digits = 0): string {
  return kept(`n${digits}`, (language) => new Intl.NumberFormat(language, { maximumFractionDigits: digits })).format(value);
}

/** A measure with always so many digits behind the point, so that one stands below the other. */
export function fixed(value: number, digits: number): string {
  return kept(`f${digits}`, (language) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })).format(value);
}

/** A large count in little room: 12.4k. */
export function compact(value: number): string {
  if (Math.abs(value) < 10_000) return number(value);
  return kept('c', (language) => new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 })).format(value);
}

/** A part of 1 as a percentage. */
export function percent(part: number, digits = 1): string {
  const format = (language: string) => new Intl.NumberFormat(language, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits });
  return kept(`p${digits}`, format).format(part);
}

export function money(amount: number, currency: string): string {
  return kept(`m${currency}`, (language) => new Intl.NumberFormat(language, { style: 'currency', currency })).format(amount);
}

/** A span as a clock shows it: 0:07, 3:25, 1:02:09. */
export function clock(span_ms: number): string {
  const whole_s = Math.max(0, Math.floor(span_ms / 1_000));
  const [hours, minutes, seconds] = [Math.floor(whole_s / 3_600), Math.floor(whole_s / 60) % 60, whole_s % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A span of microseconds with a unit that fits: 380 µs, 1.2 ms, 3 s. */
export function shortSpan(span_us: number): string {
  const [value, unit, digits] =
    span_us < 1_000 ? [span_us, 'microsecond', 0] : span_us < 1_000_000 ? [span_us / 1_000, 'millisecond', 1] : [span_us / 1_000_000, 'second', 1];
  const format = (language: string) =>
    new Intl.NumberFormat(language, { style: 'unit', unit: unit as string, unitDisplay: 'short', maximumFractionDigits: digits as number });
  return kept(`u${unit}`, format).format(value as number);
}

export function milliseconds(value: number, digits = 0): string {
  const format = (language: string) => new Intl.NumberFormat(language, { style: 'unit', unit: 'millisecond', unitDisplay: 'short', maximumFractionDigits: digits });
  return kept(`ms${digits}`, format).format(value);
}

/** A number of bytes: 12.4 MB. */
export function bytes(count: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const step = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  const unit = units[step] ?? 'byte';
  const format = (language: string) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: step === 0 ? 0 : 1 });
  return kept(`b${unit}`, format).format(count / 1_000 ** step);
}

/** A moment of the API (microseconds since 1970) as the time of day. */
export function time(at_us: number): string {
  return kept('t', (language) => new Intl.DateTimeFormat(language, { timeStyle: 'medium' })).format(at_us / 1_000);
}

/** With its day. */
export function dateTime(at_us: number): string {
  return kept('dt', (language) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })).format(at_us / 1_000);
}

export function date(at_us: number): string {
  return kept('d', (language) => new Intl.DateTimeFormat(language, { dateStyle: 'medium' })).format(at_us / 1_000);
}

/** Day and month of a day that begins at midnight in UTC. */
export function dayUtc(at_us: number): string {
  return kept('du', (language) => new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', timeZone: 'UTC' })).format(at_us / 1_000);
}

/** The time alone when it is today, else with its day. */
export function moment(at_us: number): string {
  return new Date(at_us / 1_000).toDateString() === new Date().toDateString() ? time(at_us) : dateTime(at_us);
}

/** In little room: the time alone when it is today, else day and minute, with the year when it is another one. */
export function shortMoment(at_us: number, now = new Date()): string {
  const at = new Date(at_us / 1_000);
  if (at.toDateString() === now.toDateString()) return time(at_us);
  const other = at.getFullYear() !== now.getFullYear();
  const options: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', year: other ? 'numeric' : undefined, hour: 'numeric', minute: '2-digit' };
  return kept(`sm${other}`, (language) => new Intl.DateTimeFormat(language, options)).format(at);
}

/** The time of day, with its weekday, on the clocks of a zone; `null` when the browser does not know the zone. */
export function timeThere(at_us: number, zone: string): string | null {
  try {
    return kept(`z${zone}`, (language) => new Intl.DateTimeFormat(language, { weekday: 'short', hour: 'numeric', minute: '2-digit', timeZone: zone })).format(at_us / 1_000);
  } catch {
    return null;
  }
}

/** A span of seconds as people say it: 45 s, 12 min, 3h 20m. */
export function hours(span_s: number): string {
  const unit = (value: number, name: 'hour' | 'minute' | 'second', unitDisplay: 'short' | 'narrow') =>
    kept(`hs${name}${unitDisplay}`, (language) => new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay, maximumFractionDigits: 0 })).format(value);
  if (span_s < 90) return unit(span_s, 'second', 'short');
  const minutes = Math.round(span_s / 60);
  if (minutes < 60) return unit(minutes, 'minute', 'short');
  return `${unit(Math.floor(minutes / 60), 'hour', 'narrow')} ${unit(minutes % 60, 'minute', 'narrow')}`;
}

/** The hour of a day, with its weekday where more than one day is shown. */
export function hourOfDay(at_us: number, weekday: boolean): string {
  const options: Intl.DateTimeFormatOptions = weekday ? { weekday: 'short', hour: 'numeric' } : { hour: 'numeric', minute: '2-digit' };
  return kept(`h${weekday}`, (language) => new Intl.DateTimeFormat(language, options)).format(at_us / 1_000);
}
