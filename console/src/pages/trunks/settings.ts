/** A trunk's settings as a form holds them, and as the API wants them. */
import type { Thing } from '../../api/client';

export type TrunkSettings = Thing<'TrunkSettings'>;

export interface TrunkValues {
  name: string;
  host: string;
  username: string;
  /** Never filled by us: what is written is a new one. */
  password: string;
  register: boolean;
  nat: boolean;
  max_channels: number | string;
  max_cps: number | string;
  codecs: string[];
  ping_s: number | string;
  price_per_min: number | string;
  billing_s: string;
}

/** In the order of the form. */
export const TRUNK_KEYS = [
  'name', 'host', 'nat', 'username', 'password', 'register', 'max_channels', 'max_cps', 'codecs', 'ping_s', 'price_per_min', 'billing_s',
] as const satisfies readonly (keyof TrunkValues)[];

/** The server's defaults. */
export const NEW_TRUNK: TrunkValues = {
  name: '',
  host: '',
  username: '',
  password: '',
  register: false,
  nat: false,
  max_channels: 100,
  max_cps: 10,
  codecs: ['PCMU', 'PCMA'],
  ping_s: 30,
  price_per_min: '',
  billing_s: '',
};

/** What is not there is the default. */
export function toValues(known: Partial<TrunkSettings>): TrunkValues {
  const there = Object.fromEntries(TRUNK_KEYS.filter((key) => key !== 'password' && known[key] != null).map((key) => [key, known[key]]));
  return { ...NEW_TRUNK, ...there };
}

/** For the API; what is empty is left out. */
export function toSettings(values: TrunkValues): TrunkSettings {
  const all: Record<string, unknown> = { ...values, host: values.host.trim(), username: values.username.trim() };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')) as unknown as TrunkSettings;
}

/** What differs, with `null` for what goes back to its default. A name that goes takes its password with it. */
export function toChanges(before: TrunkValues, now: TrunkValues): Record<string, unknown> {
  const [old, wanted] = [toSettings(before) as Record<string, unknown>, toSettings(now) as Record<string, unknown>];
  const changes: Record<string, unknown> = {};
  for (const key of TRUNK_KEYS) {
    if (JSON.stringify(old[key]) !== JSON.stringify(wanted[key])) changes[key] = wanted[key] ?? null;
  }
  if (changes.username === null) changes.password = null;
  return changes;
}
