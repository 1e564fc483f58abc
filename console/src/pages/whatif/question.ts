/**
 * What is asked: another limit, more agents, …; over a day that was, or a made-up one.
 *
 * ```text
 *  hours of the report ──daysOf──> days to choose from ┐
 *  campaign ──────────leversNow──> as it is now ───────┴──> Question ──asked──> POST /api/v1/simulations
 * ```
 */
import type { Thing } from '../../api/client';
import { LIMIT_PERCENT, RATIO, leversOf, type Mode } from '../board/levers';

/** A replay of fewer calls says too little; the server refuses it. */
export const CALLS_MIN = 200;
/** Days that are offered by name; older ones are chosen by their date. */
export const DAYS_BACK = 14;
/** What the server takes. */
export const MORE_AGENTS = { least: -999, most: 999 } as const;
export const WRAP_UP_S = { least: 0, most: 3_600 } as const;
/** A replay is of 24 hours at most: the day on which clocks go back loses its last one. */
const REPLAY_MAX_US = 24 * 3_600_000_000;

/** How many days each side is simulated: more take longer and tell smaller differences from chance. */
export const CARE = { quick: 10, usual: 40, thorough: 160 } as const;
export type Care = keyof typeof CARE;

/** A day by the clock of whoever looks. */
export interface Day {
  /** `2026-11-22` */
  key: string;
  from_us: number;
  to_us: number;
  calls: number;
}

/** What can be asked about, as a campaign has it now. */
export interface Now {
  mode: Mode;
  ratio: number;
  limit_percent: number;
  amd: boolean;
}

/** As it stands in the fields: a number that is empty or half written is a text. */
export interface Question {
  mode: Mode;
  ratio: number | string;
  limit_percent: number | string;
  amd: boolean;
  more_agents: number | string;
  /** Empty: as it is. */
  wrap_up_s: number | string;
  care: Care;
}

export function nowOf(campaign: Thing<'CampaignView'>): Now {
  const { amd } = campaign.settings as Partial<Thing<'CampaignSettings'>>;
  return { ...leversOf(campaign), amd: amd ?? true };
}

export function questionOf(now: Now): Question {
  return { ...now, more_agents: 0, wrap_up_s: '', care: 'usual' };
}

const two = (value: number) => String(value).padStart(2, '0');

/** The day's name for an address and `<input type="date">`. */
export function dayKey(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The day of such a name, of 23 to 25 hours; `null` when it is none. */
export function dayOf(key: string, calls = 0): Day | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(key);
  if (!parts) return null;
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  const from = new Date(year, month - 1, day);
  if (dayKey(from) !== key) return null;
  return { key, from_us: from.getTime() * 1_000, to_us: new Date(year, month - 1, day + 1).getTime() * 1_000, calls };
}

/** The days with calls, the latest first. In zones that are not whole hours from UTC an hour counts for the day in which it begins. */
export function daysOf(hours: readonly Thing<'Hour'>[]): Day[] {
  const calls = new Map<string, number>();
  for (const hour of hours) {
    const key = dayKey(new Date(hour.at_us / 1_000));
    calls.set(key, (calls.get(key) ?? 0) + hour.attempts);
  }
  return [...calls].flatMap(([key, count]) => dayOf(key, count) ?? []).sort((a, b) => b.from_us - a.from_us);
}

/** The day that is offered first: the latest whole one with enough calls, else today, else none. */
export function usualDay(days: readonly Day[], now: Date): Day | undefined {
  const enough = days.filter((day) => day.calls >= CALLS_MIN);
  return enough.find((day) => day.key !== dayKey(now)) ?? enough[0];
}

const within = (value: number | string, range: { least: number; most: number }): value is number =>
  typeof value === 'number' && value >= range.least && value <= range.most;

export type Field = 'limit_percent' | 'ratio' | 'more_agents' | 'wrap_up_s';

/** Which fields hold nothing that can be asked. */
export function faultsOf(question: Question): Partial<Record<Field, { least: number; most: number }>> {
  return {
    ...(!within(question.limit_percent, LIMIT_PERCENT) && { limit_percent: LIMIT_PERCENT }),
    ...(question.mode === 'power' && !within(question.ratio, RATIO) && { ratio: RATIO }),
    ...(!within(question.more_agents, MORE_AGENTS) && { more_agents: MORE_AGENTS }),
    ...(question.wrap_up_s !== '' && !within(question.wrap_up_s, WRAP_UP_S) && { wrap_up_s: WRAP_UP_S }),
  };
}

export type Changes = Pick<Thing<'NewSimulation'>, 'limit' | 'more_agents' | 'wrap_up_s' | 'amd' | 'mode' | 'ratio'>;

/** What of the question is other than it is now, as the API wants it; `null` while a field has a fault. */
export function changesOf(question: Question, now: Now): Changes | null {
  if (Object.keys(faultsOf(question)).length > 0) return null;
  const power = question.mode === 'power';
  const paced = question.mode !== now.mode || (power && question.ratio !== now.ratio);
  return {
    ...(question.limit_percent !== now.limit_percent && { limit: Number((Number(question.limit_percent) / 100).toFixed(5)) }),
    ...(question.more_agents !== 0 && { more_agents: Number(question.more_agents) }),
    ...(question.wrap_up_s !== '' && { wrap_up_s: Number(question.wrap_up_s) }),
    ...(question.amd !== now.amd && { amd: question.amd }),
    ...(paced && { mode: question.mode, ...(power && { ratio: Number(question.ratio) }) }),
  };
}

/** The question that was asked, in the fields again: what it did not change is as it is now. */
export function askedBefore(now: Now, changes: Thing<'Changes'>, care: Care): Question {
  const { mode, ratio, limit, amd, more_agents, wrap_up_s } = changes;
  return {
    mode: (mode as Mode | null | undefined) ?? now.mode,
    ratio: ratio ?? now.ratio,
    limit_percent: limit == null ? now.limit_percent : Number((limit * 100).toFixed(3)),
    amd: amd ?? now.amd,
    more_agents: more_agents ?? 0,
    wrap_up_s: wrap_up_s ?? '',
    care,
  };
}

/** The whole question; `day` is `null` for the made-up one. Moments that have not come yet are left out. */
export function asked(campaign: string, day: Day | null, changes: Changes, care: Care, now_us: number): Thing<'NewSimulation'> {
  const span = day && { from: String(day.from_us), to: String(Math.min(day.to_us, day.from_us + REPLAY_MAX_US, now_us)) };
  return { campaign, ...(span ?? { base: true }), ...changes, days: CARE[care] };
}
