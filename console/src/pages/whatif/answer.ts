/** What a simulation says: differences in words' order, which of them may be chance, and the course of the day. */
import type { Thing } from '../../api/client';

export type Simulation = Thing<'Simulation'>;
export type Side = Thing<'Side'>;
export type Band = Thing<'Band'>;

/** The figures that are compared, in the order in which they are told. */
export const FIGURES = ['occupancy', 'talk_minutes_per_agent_hour', 'connected', 'abandoned', 'abandon_rate', 'attempts'] as const;
export type FigureName = (typeof FIGURES)[number];
/** Which way is the better one; calls cost money. */
export const BETTER: Record<FigureName, 'up' | 'down'> = {
  occupancy: 'up', talk_minutes_per_agent_hour: 'up', connected: 'up', abandoned: 'down', abandon_rate: 'down', attempts: 'down',
};

/** A difference of so many standard errors is not put down to chance: once in twenty it is. */
const SURE = 1.96;
/** Less than this part of what it was is nothing that anybody would act on. */
const MATTERS = 0.002;

export interface Difference {
  figure: FigureName;
  before: Band;
  after: Band;
  by: number;
  /** `level`: too small to be told from chance, or to matter. */
  way: 'up' | 'down' | 'level';
  good: boolean;
}

export function difference(figure: FigureName, before: Side, after: Side): Difference {
  const [was, is] = [before[figure], after[figure]];
  const by = is.mean - was.mean;
  // Both sides see the same callees, so this is more careful than it need be.
  const sure = Math.abs(by) > SURE * Math.hypot(was.error, is.error) && Math.abs(by) > MATTERS * Math.abs(was.mean);
  const way = !sure ? 'level' : by > 0 ? 'up' : 'down';
  return { figure, before: was, after: is, by, way, good: way === BETTER[figure] };
}

export const isOver = (simulation: Pick<Simulation, 'state'>) => simulation.state !== 'waiting' && simulation.state !== 'running';

/** What the campaign itself can be set to; agents and wrap-ups are people. */
export function applicable({ limit, mode, ratio, amd }: Simulation['changes']): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ limit, mode, ratio, amd }).filter(([, value]) => value !== null && value !== undefined));
}

export const MEASURES = ['occupancy', 'abandon_rate', 'budget_left'] as const;
export type Measure = (typeof MEASURES)[number];

/** Moments in seconds since 1970, before, after, then low and high end of the band of each. */
export type Course = [number[], ...(number | null)[][]];

/** Where hour 0 of a made-up day stands: nine in the morning, as the simulator has it. */
function madeUp_s(now: Date): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate(), 9).getTime() / 1_000;
}

/** The course of one measure; a day of one part has none. */
export function courseOf(simulation: Simulation, measure: Measure, now: Date): Course | null {
  const [before, after] = [simulation.before?.over_day ?? [], simulation.after?.over_day ?? []];
  if (before.length < 2 || after.length < 2) return null;
  const begins_s = simulation.begins_us == null ? madeUp_s(now) : simulation.begins_us / 1_000_000;
  const length = Math.min(before.length, after.length);
  // A part in which nobody worked has no occupancy.
  const idle = (part: Thing<'Slot'>) => measure === 'occupancy' && part.occupancy.high === 0;
  const column = (parts: Thing<'Slot'>[], end: keyof Band) => parts.slice(0, length).map((part) => (idle(part) ? null : part[measure][end]));
  const at_s = before.slice(0, length).map((part) => Math.round(begins_s + part.until_h * 3_600));
  return [at_s, column(before, 'mean'), column(after, 'mean'), column(before, 'low'), column(before, 'high'), column(after, 'low'), column(after, 'high')];
}

/** Seconds until it is done, from how far it came since it was first seen under way; `null` while nobody can say. */
export function leftOf(first: { at_ms: number; progress: number } | null, now_ms: number, progress: number): number | null {
  if (!first || progress - first.progress < 0.05) return null;
  return ((now_ms - first.at_ms) / 1_000) * ((1 - progress) / (progress - first.progress));
}
