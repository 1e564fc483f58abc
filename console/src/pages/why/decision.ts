/** One decision of the pacer, and what can be said about it without knowing the words. */
import type { Thing } from '../../api/client';

export type Decision = Thing<'DecisionView'>;
export type CalibrationBin = Thing<'CalibrationBinView'>;

/** How the reason of a decision is told, and with which numbers. */
export type Kind = 'price' | 'full' | 'one_to_one' | 'nobody_free' | 'ratio' | 'guard' | 'reserve' | 'waits';

/** Reasons that launch by forecast or rule; all others keep it from launching. */
const KINDS: Record<string, Kind> = { price: 'price', one_to_one: 'one_to_one', ratio: 'ratio', ledger_guard: 'guard', ledger_reserve: 'reserve' };

export function kindOf({ why_code, launched, agents }: Pick<Decision, 'why_code' | 'launched' | 'agents'>): Kind {
  const kind = KINDS[why_code] ?? 'waits';
  if (kind === 'price' && launched === 0) return 'full';
  if (kind === 'one_to_one' && launched === 0 && agents.idle === 0) return 'nobody_free';
  return kind;
}

/** What would have let it launch more, the nearest first. */
export type More = 'trunk' | 'channels' | 'rate' | 'leads' | 'agents' | 'ringing' | 'limit' | 'budget' | 'mode' | 'ratio';

export function moreOf(decision: Decision): More[] {
  const { room, launched } = decision;
  const kind = kindOf(decision);
  if (decision.why_code === 'no_agents' || kind === 'nobody_free') return ['agents'];
  if (decision.why_code === 'no_leads') return ['leads'];
  // What held it: as much was launched as there was room for.
  const held = (['channels', 'rate', 'leads'] as const).filter((what) => room[what] <= room.calls);
  // What forbids all calls is found before room is counted.
  if (decision.why_code === 'no_trunk_room') return ['trunk'];
  if (kind === 'waits') return [];
  const bound = launched > 0 && launched >= room.calls ? held : [];
  const law: Record<Exclude<Kind, 'waits' | 'nobody_free'>, More[]> = {
    price: ['agents', 'ringing', 'limit'],
    full: ['agents', 'ringing', 'limit'],
    one_to_one: ['agents', 'mode'],
    ratio: ['agents', 'ratio'],
    guard: ['budget', 'agents'],
    reserve: ['budget', 'agents'],
  };
  return bound.length > 0 ? bound : law[kind as keyof typeof law];
}

/** Whether the decision came so far as to count how many calls there was room for. */
export function countedRoom({ room }: Pick<Decision, 'room'>): boolean {
  return room.calls > 0 || room.channels > 0 || room.rate > 0 || room.leads > 0;
}

/** The decision that held at a moment: the last one until then. `decisions` are in order of time. */
export function heldAt(decisions: readonly Decision[], at_us: number): Decision | undefined {
  return decisions.findLast((decision) => decision.at_us <= at_us);
}

/** The ledger's window with the least room. */
export function tightest(decision: Decision): Decision['ledgers'][number] | undefined {
  return decision.ledgers.reduce<Decision['ledgers'][number] | undefined>((least, one) => (least && least.slack <= one.slack ? least : one), undefined);
}

const two = (value: number) => String(value).padStart(2, '0');

/** A moment for `<input type="datetime-local" step="1">`: the clock's own digits, with seconds. */
export function secondInput(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The moment of an address: RFC 3339, or microseconds since 1970; `null` when it is none. */
export function momentOf(text: string): number | null {
  if (/^\d{10,}$/.test(text)) return Number(text);
  const at_ms = Date.parse(text);
  return Number.isNaN(at_ms) ? null : at_ms * 1_000;
}

/** Chances with so many standard errors around them: 19 of 20. */
const Z = 1.96;

/** Where the true share lies when `hits` of `of` were seen (Wilson 1927). */
export function wilson(hits: number, of: number): [low: number, high: number] {
  if (of === 0) return [0, 1];
  const [share, z2] = [hits / of, Z * Z];
  const middle = (share + z2 / (2 * of)) / (1 + z2 / of);
  const half = (Z / (1 + z2 / of)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** All bins together. */
export function totalOf(bins: readonly CalibrationBin[]): { persons: number; forecast: number; abandoned: number } {
  return bins.reduce((sum, bin) => ({ persons: sum.persons + bin.persons, forecast: sum.forecast + bin.forecast, abandoned: sum.abandoned + bin.abandoned }), { persons: 0, forecast: 0, abandoned: 0 });
}

/** Whether forecasts and what happened differ by more than chance: the sum of forecasts against a count (Poisson). */
export function judge({ forecast, abandoned }: { forecast: number; abandoned: number }): 'fits' | 'more' | 'fewer' {
  if (Math.abs(abandoned - forecast) <= Z * Math.sqrt(Math.max(forecast, 1))) return 'fits';
  return abandoned > forecast ? 'more' : 'fewer';
}
