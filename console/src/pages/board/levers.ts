/** What can be tuned while a campaign runs: as it is set, as it is being written, and what of it is another. */
import type { Thing } from '../../api/client';

export type Settings = Partial<Thing<'CampaignSettings'>>;
export type Mode = NonNullable<Settings['mode']>;

/** Between these a campaign can be switched without anything else being set. */
export const MODES = ['progressive', 'power', 'predictive'] as const satisfies readonly Mode[];

/** Whether the mode stands among those; the others are set on the campaign's own page. */
export const isTunable = (mode: string): boolean => (MODES as readonly string[]).includes(mode);
/** Where the API's own defaults stand in for keys that are not set. */
const DEFAULTS = { mode: 'predictive', ratio: 1.5 } as const;

/** What the API takes. */
export const RATIO = { least: 1, most: 20 } as const;
export const LIMIT_PERCENT = { least: 0, most: 100 } as const;

export interface Levers {
  mode: Mode;
  ratio: number;
  /** In percent, as people write it. */
  limit_percent: number;
}

/** As it stands in the fields: one that is empty or half written is a text. */
export interface Written {
  mode: Mode;
  ratio: number | string;
  limit_percent: number | string;
}

export function leversOf(campaign: Thing<'CampaignView'>): Levers {
  const settings = campaign.settings as Settings;
  const limit = settings.limit ?? campaign.ledger[0]?.limit ?? 0;
  return { mode: settings.mode ?? DEFAULTS.mode, ratio: settings.ratio ?? DEFAULTS.ratio, limit_percent: Number((limit * 100).toFixed(3)) };
}

const within = (value: number | string, range: { least: number; most: number }): value is number =>
  typeof value === 'number' && value >= range.least && value <= range.most;

/** Which fields hold nothing that can be applied. The ratio counts in mode power alone, where it is shown. */
export function faultsOf(written: Written): { ratio: boolean; limit_percent: boolean } {
  return { ratio: written.mode === 'power' && !within(written.ratio, RATIO), limit_percent: !within(written.limit_percent, LIMIT_PERCENT) };
}

/** What is written, as levers; `null` while a field has a fault. What is not shown stays as it is. */
export function read(written: Written, now: Levers): Levers | null {
  const faults = faultsOf(written);
  if (faults.ratio || faults.limit_percent) return null;
  return { mode: written.mode, ratio: written.mode === 'power' ? Number(written.ratio) : now.ratio, limit_percent: Number(written.limit_percent) };
}

/** Only what is another: the rest stays as it is, set or not. */
export function difference(from: Levers, to: Levers): Settings {
  return {
    ...(from.mode !== to.mode && { mode: to.mode }),
    ...(from.ratio !== to.ratio && { ratio: to.ratio }),
    ...(from.limit_percent !== to.limit_percent && { limit: Number((to.limit_percent / 100).toFixed(5)) }),
  };
}
