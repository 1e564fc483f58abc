import { describe, expect, it } from 'vitest';
import { countedRoom, heldAt, judge, kindOf, momentOf, moreOf, secondInput, tightest, totalOf, wilson, type Decision } from './decision';

const decision = (some: Partial<Decision>): Decision => ({
  at_us: 1_000_000, launched: 3, why: '', why_code: 'price',
  agents: { idle: 2, talking: 10, wrap_up: 3 }, calls: { ringing: 8, answered: 1, waiting: 0 },
  forecast: { ahead_s: 10, answers: 3, free: 4, pending: 0.1, person: 0.25 }, no_agent: { first: 0.004, last: 0.02 },
  price: 0.034, target: 0.028, calibration: 1,
  ledgers: [{ window: 'local_day', limit: 0.03, answered: 900, abandoned: 20, slack: 7 }, { window: 'days:30', limit: 0.03, answered: 9_000, abandoned: 268, slack: 2 }],
  room: { calls: 9, channels: 30, rate: 9, leads: 400 }, ...some,
});

describe('the reason', () => {
  it('is told by what happened', () => {
    expect(kindOf(decision({}))).toBe('price');
    expect(kindOf(decision({ launched: 0 }))).toBe('full');
    expect(kindOf(decision({ why_code: 'one_to_one', launched: 0, agents: { idle: 0, talking: 3, wrap_up: 0 } }))).toBe('nobody_free');
    expect(kindOf(decision({ why_code: 'one_to_one' }))).toBe('one_to_one');
    expect(kindOf(decision({ why_code: 'no_leads', launched: 0 }))).toBe('waits');
    expect(kindOf(decision({ why_code: 'newer_than_this' }))).toBe('waits');
  });
});

describe('what would have made it dial more', () => {
  it('is the law that held it', () => {
    expect(moreOf(decision({}))).toEqual(['agents', 'ringing', 'limit']);
    expect(moreOf(decision({ why_code: 'ledger_guard' }))).toEqual(['budget', 'agents']);
    expect(moreOf(decision({ why_code: 'one_to_one' }))).toContain('mode');
    expect(moreOf(decision({ why_code: 'ratio' }))).toContain('ratio');
  });

  it('is room when all room was taken, and says of what', () => {
    expect(moreOf(decision({ launched: 9 }))).toEqual(['rate']);
    expect(moreOf(decision({ launched: 4, room: { calls: 4, channels: 4, rate: 9, leads: 4 } }))).toEqual(['channels', 'leads']);
    const none = decision({ why_code: 'no_trunk_room', launched: 0, room: { calls: 0, channels: 0, rate: 0, leads: 0 } });
    expect([moreOf(none), countedRoom(none), countedRoom(decision({}))]).toEqual([['trunk'], false, true]);
    expect(moreOf(decision({ why_code: 'no_leads', launched: 0, room: { calls: 0, channels: 3, rate: 5, leads: 0 } }))).toEqual(['leads']);
  });

  it('is agents when nobody is there, and nothing where only time helps', () => {
    expect(moreOf(decision({ why_code: 'no_agents', launched: 0 }))).toEqual(['agents']);
    expect(moreOf(decision({ why_code: 'store_away', launched: 0 }))).toEqual([]);
  });
});

it('the decision that held at a moment is the last one until then', () => {
  const all = [10, 20, 30].map((at_us) => decision({ at_us }));
  expect([5, 10, 29, 30, 99].map((at_us) => heldAt(all, at_us)?.at_us)).toEqual([undefined, 10, 20, 30, 30]);
  expect(heldAt([], 5)).toBeUndefined();
});

it('the window with the least room is the one that binds', () => {
  expect(tightest(decision({}))?.window).toBe('days:30');
  expect(tightest(decision({ ledgers: [] }))).toBeUndefined();
});

it('moments come as an address has them and go into the field with their seconds', () => {
  expect(momentOf('1763890867000000')).toBe(1_763_890_867_000_000);
  expect(momentOf('2025-11-23T10:41:07Z')).toBe(Date.UTC(2025, 10, 23, 10, 41, 7) * 1_000);
  expect(momentOf('')).toBeNull();
  expect(momentOf('soon')).toBeNull();
  expect(secondInput(new Date(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02T03:04:05');
});

describe('calibration', () => {
  it('gives the band of Wilson', () => {
    // 10 of 100: R's prop.test(10, 100, correct = FALSE) says 0.0552 to 0.1744.
    const [low, high] = wilson(10, 100);
    expect(low).toBeCloseTo(0.0552, 4);
    expect(high).toBeCloseTo(0.1744, 4);
    expect(wilson(0, 0)).toEqual([0, 1]);
    expect(wilson(0, 20)[0]).toBe(0);
  });

  it('is judged against chance', () => {
    expect(judge({ forecast: 100, abandoned: 110 })).toBe('fits');
    expect(judge({ forecast: 100, abandoned: 130 })).toBe('more');
    expect(judge({ forecast: 100, abandoned: 70 })).toBe('fewer');
    expect(judge({ forecast: 0.1, abandoned: 1 })).toBe('fits');
  });

  it('adds up', () => {
    const bin = { from: 0, to: 1, persons: 2, forecast: 0.5, abandoned: 1 };
    expect(totalOf([bin, bin])).toEqual({ persons: 4, forecast: 1, abandoned: 2 });
  });
});
