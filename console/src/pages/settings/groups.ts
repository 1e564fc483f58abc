/** Settings by section, and values as people read them. */
import type { Thing } from '../../api/client';

export type SettingInfo = Thing<'SettingInfo'>;

/** `server.drain_s` is key `drain_s` of section `server`. In the order in which they come. */
export function bySection(items: readonly SettingInfo[]): [section: string, items: SettingInfo[]][] {
  const groups = new Map<string, SettingInfo[]>();
  for (const item of items) {
    const section = item.key.split('.')[0] ?? '';
    groups.set(section, [...(groups.get(section) ?? []), item]);
  }
  return [...groups];
}

/** Whether two values of the API are the same. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** A value in words; `null` where nothing is set. */
export function shown(value: unknown, words: { yes: string; no: string }): string | null {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  if (Array.isArray(value)) return value.map(String).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
}
