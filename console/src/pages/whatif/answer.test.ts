import { describe, expect, it } from 'vitest';
import { applicable, courseOf, difference, isOver, leftOf, type Band, type Side, type Simulation } from './answer';

const band = (mean: number, error: number): Band => ({ mean, error, low: mean - 10 * error, high: mean + 10 * error });
const part = (until_h: number, occupancy: number) => ({ until_h, occupancy: band(occupancy, occupancy / 100), abandon_rate: band(0.02, 0.001), budget_left: band(-1, 0.5) });
const side = (some: Partial<Side>): Side => ({
  policy: 'predictive', days: 40, limit: 0.03, agents: 20, days_over_limit: 0,
  occupancy: band(0.87, 0.002), abandon_rate: band(0.028, 0.0004), talk_minutes_per_agent_hour: band(45, 0.2),
  attempts: band(8_000, 20), connected: band(1_200, 5), abandoned: band(34, 0.6), over_day: [part(0.25, 0.8), part(0.5, 0.9)], ...some,
});

describe('a difference', () => {
  it('has a way only when chance does not explain it', () => {
    const before = side({});
    expect(difference('connected', before, side({ connected: band(1_190, 5) }))).toMatchObject({ way: 'level', by: -10 });
    expect(difference('connected', before, side({ connected: band(1_150, 5) }))).toMatchObject({ way: 'down', good: false });
    expect(difference('occupancy', before, side({ occupancy: band(0.9, 0.002) }))).toMatchObject({ way: 'up', good: true });
  });

  it('is none where it is too small for anybody to act on, however sure', () => {
    const sure = side({ attempts: band(8_000, 0.1) });
    expect(difference('attempts', sure, side({ attempts: band(8_010, 0.1) })).way).toBe('level');
  });

  it('knows that fewer abandoned and fewer calls are better', () => {
    const fewer = side({ abandoned: band(20, 0.6), attempts: band(7_000, 20) });
    expect(difference('abandoned', side({}), fewer)).toMatchObject({ way: 'down', good: true });
    expect(difference('attempts', side({}), fewer)).toMatchObject({ way: 'down', good: true });
  });

  it('of two sides without spread is told by its size', () => {
    expect(difference('abandoned', side({ abandoned: band(0, 0) }), side({ abandoned: band(0, 0) })).way).toBe('level');
  });
});

describe('the course', () => {
  const simulation = { before: side({}), after: side({}), begins_us: 1_000_000_000_000, changes: {} } as unknown as Simulation;
  const now = new Date(2026, 4, 3, 12);

  it('has moments, both lines and the ends of both bands', () => {
    const course = courseOf(simulation, 'occupancy', now);
    expect(course?.[0]).toEqual([1_000_900, 1_001_800]);
    expect(course).toHaveLength(7);
    expect(course?.[1]).toEqual([0.8, 0.9]);
    expect(course?.[3]?.[0]).toBeCloseTo(0.72);
  });

  it('of a made-up day begins at nine', () => {
    expect(courseOf({ ...simulation, begins_us: null }, 'budget_left', now)?.[0][0]).toBe(new Date(2026, 4, 3, 9, 15).getTime() / 1_000);
  });

  it('leaves out where nobody worked, and is none for a day of one part', () => {
    const idle = { ...simulation, before: side({ over_day: [part(0.25, 0.8), part(0.5, 0)] }) };
    expect(courseOf(idle, 'occupancy', now)?.[1]).toEqual([0.8, null]);
    expect(courseOf({ ...simulation, after: side({ over_day: [part(0.1, 0.8)] }) }, 'occupancy', now)).toBeNull();
    expect(courseOf({ ...simulation, after: null }, 'occupancy', now)).toBeNull();
  });
});

it('only settings of a campaign are applied', () => {
  expect(applicable({ limit: 0, more_agents: 3, wrap_up_s: 5, amd: false, mode: null, ratio: null, agents: null })).toEqual({ limit: 0, amd: false });
});

it('is over when nothing more comes', () => {
  expect(['waiting', 'running', 'done', 'failed', 'cancelled'].map((state) => isOver({ state }))).toEqual([false, false, true, true, true]);
});

it('says how long it takes once it can be known', () => {
  expect(leftOf(null, 1_000, 0.5)).toBeNull();
  expect(leftOf({ at_ms: 0, progress: 0.1 }, 1_000, 0.12)).toBeNull();
  expect(leftOf({ at_ms: 0, progress: 0 }, 10_000, 0.25)).toBeCloseTo(30);
});
