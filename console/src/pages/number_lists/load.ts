/** What is asked for a list of numbers, and its day. The source's day is a day everywhere: it is told in UTC, as it was loaded. */
export interface Load {
  kind: string;
  source: string;
  as_of: string;
  region: string;
  file: File | null;
  force: boolean;
}

const DAY_US = 86_400_000_000;

/** `2026-11-20`. */
export function dayOf(at_us: number): string {
  return new Date(at_us / 1_000).toISOString().slice(0, 10);
}

/** Whole days since the source's day. */
export function ageOf(as_of_us: number, now_us = Date.now() * 1_000): number {
  return Math.max(0, Math.floor((now_us - as_of_us) / DAY_US));
}

export function query({ kind, source, as_of, region, force }: Load): string {
  const all = new URLSearchParams({ kind, source: source.trim(), as_of, region });
  if (force) all.set('force', 'true');
  return all.toString();
}
