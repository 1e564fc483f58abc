/**
 * A campaign's settings as a form holds them, and as the API wants them.
 *
 * ```text
 *  CampaignView.settings ──toValues──> form ──toSettings──> POST   (what is empty is left out: the server's default)
 *                                       └────toChanges───> PATCH  (only what differs; null: back to the default)
 * ```
 */
import type { Thing } from '../../api/client';

export type CampaignSettings = Thing<'CampaignSettings'>;

/** What detection may do; `off` is the server's `amd = false`. */
export const AMD_MODES = ['off', 'shadow', 'sample', 'on'] as const;
export type AmdMode = (typeof AMD_MODES)[number];

export interface CampaignValues {
  name: string;
  list: string | null;
  trunk: string | null;
  caller_id: string;
  mode: string;
  ratio: number | string;
  /** Of mode preview alone. */
  preview_s: number | string;
  preview_then: string;
  skip_retry_min: number | string;
  skips_max: number | string;
  /** Of mode agentless alone. */
  channels: number | string;
  calls_per_second: number | string;
  message: string;
  /** Percent; empty: the profile's. */
  limit: number | string;
  amd_mode: AmdMode;
  /** Percent. */
  amd_audit_share: number | string;
  amd_audio: boolean;
  amd_audio_days: number | string;
  on_machine: string;
  machine_message: string;
  message_after: string;
  message_wait_s: number | string;
  on_ivr: string;
  on_screening: string;
  screening_message: string;
  screening_wait_s: number | string;
  on_silence: string;
  hello_message: string;
  hello_wait_s: number | string;
  hello_then: string;
  on_fax: string;
  on_sit: string;
  agents: string[];
  skills: string[];
  weight: number | string;
  filter: string;
  order: string;
  callback_wait_min: number | string;
  callback_then: string;
  callback_later_min: number | string;
  mix: string;
  recycle: string;
  profile: string;
  timezone: string | null;
  attempts_max: number | string;
  ring_timeout_s: number | string;
  safe_harbour: string;
}

/** The keys of `[[campaign]]`, in the order of the form: the first that is at fault gets the focus. */
export const CAMPAIGN_KEYS = [
  'name', 'list', 'trunk', 'caller_id', 'mode', 'ratio', 'preview_s', 'preview_then', 'skip_retry_min', 'skips_max', 'channels',
  'calls_per_second', 'message', 'limit', 'amd', 'amd_mode', 'amd_audit_share', 'amd_audio', 'amd_audio_days', 'on_machine',
  'machine_message', 'message_after', 'message_wait_s', 'on_ivr', 'on_screening', 'screening_message', 'screening_wait_s',
  'on_silence', 'hello_message', 'hello_wait_s', 'hello_then', 'on_fax', 'on_sit', 'agents', 'skills', 'weight', 'filter', 'order', 'mix', 'recycle',
  'callback_wait_min', 'callback_then', 'callback_later_min', 'profile', 'timezone',
  'attempts_max', 'ring_timeout_s', 'safe_harbour',
] as const satisfies readonly ('amd' | keyof CampaignValues)[];

/** Sensible for a first campaign; the same as the server's defaults. */
export const NEW_CAMPAIGN: CampaignValues = {
  name: '',
  list: null,
  trunk: null,
  caller_id: '',
  mode: 'predictive',
  ratio: 1.5,
  preview_s: 30,
  preview_then: 'dial',
  skip_retry_min: 60,
  skips_max: 3,
  channels: '',
  calls_per_second: '',
  message: '',
  limit: '',
  amd_mode: 'on',
  amd_audit_share: 1,
  amd_audio: false,
  amd_audio_days: 30,
  on_machine: 'hang_up',
  machine_message: '',
  message_after: 'beep',
  message_wait_s: 40,
  on_ivr: 'hang_up',
  on_screening: 'hang_up',
  screening_message: '',
  screening_wait_s: 40,
  on_silence: 'agent',
  hello_message: '',
  hello_wait_s: 3,
  hello_then: 'agent',
  on_fax: 'mark',
  on_sit: 'by_meaning',
  agents: [],
  skills: [],
  weight: 1,
  filter: '',
  order: 'oldest',
  callback_wait_min: 10,
  callback_then: 'anybody',
  callback_later_min: 60,
  mix: '',
  recycle: '',
  profile: 'us-ftc',
  timezone: 'America/New_York',
  attempts_max: 6,
  ring_timeout_s: 25,
  safe_harbour: '',
};

/** The settings of a campaign that is there; the API's document knows them by their keys only where they are sent. */
export function settingsOf(campaign: Thing<'CampaignView'>): Partial<CampaignSettings> {
  return campaign.settings;
}

/** Keys that count in one mode alone; elsewhere they are left out. */
const OF_MODE: Record<string, readonly (keyof CampaignValues)[]> = {
  power: ['ratio'],
  preview: ['preview_s', 'preview_then', 'skip_retry_min', 'skips_max'],
  agentless: ['channels', 'calls_per_second', 'message'],
};

/** What is not there is the default. */
export function toValues({ amd, ...known }: Partial<CampaignSettings>): CampaignValues {
  return {
    ...NEW_CAMPAIGN,
    ...known,
    amd_mode: amd === false ? 'off' : (known.amd_mode ?? NEW_CAMPAIGN.amd_mode),
    amd_audit_share: known.amd_audit_share === undefined ? NEW_CAMPAIGN.amd_audit_share : toPercent(known.amd_audit_share),
    machine_message: known.machine_message ?? '',
    screening_message: known.screening_message ?? '',
    hello_message: known.hello_message ?? '',
    limit: known.limit === undefined ? '' : toPercent(known.limit),
    safe_harbour: known.safe_harbour ?? '',
    channels: known.channels ?? '',
    calls_per_second: known.calls_per_second ?? '',
    message: known.message ?? '',
    filter: known.filter ?? '',
    mix: known.mix ?? '',
    recycle: known.recycle ?? '',
  };
}

/** For the API. What is empty is left out; what is wrong goes as it is, and the server says so at its field. */
export function toSettings(values: CampaignValues): CampaignSettings {
  const all: Record<string, unknown> = {
    ...values,
    caller_id: values.caller_id.replace(/[\s()/.-]/g, ''),
    message: values.message.trim(),
    filter: values.filter.trim(),
    mix: values.mix.trim(),
    recycle: values.recycle.trim(),
    limit: values.limit === '' ? '' : toPart(values.limit),
    amd: values.amd_mode !== 'off',
    // Who turns it off and on again elsewhere gets the usual mode, not a mode that is off.
    amd_mode: values.amd_mode === 'off' ? '' : values.amd_mode,
    amd_audit_share: values.amd_audit_share === '' ? '' : toPart(values.amd_audit_share),
    machine_message: values.machine_message.trim(),
    screening_message: values.screening_message.trim(),
    hello_message: values.hello_message.trim(),
  };
  const others = new Set<string>(Object.entries(OF_MODE).flatMap(([mode, keys]) => (mode === values.mode ? [] : keys)));
  return Object.fromEntries(Object.entries(all).filter(([key, value]) => value !== '' && value !== null && !others.has(key))) as unknown as CampaignSettings;
}

/** What differs, with `null` for what goes back to its default. Empty: nothing to save. */
export function toChanges(before: CampaignValues, now: CampaignValues): Record<string, unknown> {
  const [old, wanted] = [toSettings(before) as Record<string, unknown>, toSettings(now) as Record<string, unknown>];
  const changes: Record<string, unknown> = {};
  for (const key of CAMPAIGN_KEYS) {
    if (JSON.stringify(old[key]) !== JSON.stringify(wanted[key])) changes[key] = wanted[key] ?? null;
  }
  return changes;
}

/** 0.03 is 3 %; a float's dust is taken off. */
function toPercent(part: number): number {
  return Number((part * 100).toFixed(4));
}

function toPart(percent: number | string): number {
  return Number((Number(percent) / 100).toFixed(6));
}
