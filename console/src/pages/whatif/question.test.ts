import { describe, expect, it } from 'vitest';
import { asked, askedBefore, changesOf, dayKey, dayOf, daysOf, faultsOf, nowOf, questionOf, usualDay, type Now } from './question';

const NOW: Now = { mode: 'predictive', ratio: 1.5, limit_percent: 3, amd: true };
const asIs = questionOf(NOW);
const HOUR_US = 3_600_000_000;
const hour = (at: Date, attempts: number) => ({ at_us: at.getTime() * 1_000, attempts, answered: 0, connected: 0, abandoned: 0, machines: 0, talk_s: 0 });

describe('what is other than it is now', () => {
  it('is nothing at first, and can be nothing again', () => {
    expect(changesOf(asIs, NOW)).toEqual({});
    expect(changesOf({ ...asIs, limit_percent: 2 }, NOW)).toEqual({ limit: 0.02 });
    expect(changesOf({ ...asIs, limit_percent: 3, more_agents: 0, wrap_up_s: '' }, NOW)).toEqual({});
  });

  it('is told as the server wants it', () => {
    expect(changesOf({ ...asIs, more_agents: -2, wrap_up_s: 0, amd: false }, NOW)).toEqual({ more_agents: -2, wrap_up_s: 0, amd: false });
    expect(changesOf({ ...asIs, mode: 'progressive' }, NOW)).toEqual({ mode: 'progressive' });
    // The ratio counts in one mode alone, and never without it.
    expect(changesOf({ ...asIs, ratio: 2 }, NOW)).toEqual({});
    expect(changesOf({ ...asIs, mode: 'power', ratio: 2 }, NOW)).toEqual({ mode: 'power', ratio: 2 });
    expect(changesOf({ ...asIs, mode: 'power', ratio: 2 }, { ...NOW, mode: 'power' })).toEqual({ mode: 'power', ratio: 2 });
    expect(changesOf({ ...asIs, limit_percent: 2.15 }, NOW)).toEqual({ limit: 0.0215 });
  });

  it('stands in the fields again when its answer is opened', () => {
    for (const changes of [{}, { limit: 0.015, more_agents: 2 }, { limit: 0.0215, wrap_up_s: 0, amd: false }, { mode: 'progressive' }, { mode: 'power', ratio: 2 }]) {
      const question = askedBefore(NOW, changes as Parameters<typeof askedBefore>[1], 'quick');
      expect(changesOf(question, NOW)).toEqual(changes);
      expect(question.care).toBe('quick');
    }
  });

  it('cannot be asked while a field is empty or out of range', () => {
    for (const fault of [{ limit_percent: '' }, { limit_percent: 101 }, { more_agents: '-' }, { more_agents: 1_000 }, { wrap_up_s: -1 }, { mode: 'power' as const, ratio: '' }]) {
      expect(changesOf({ ...asIs, ...fault }, NOW), JSON.stringify(fault)).toBeNull();
    }
    expect(faultsOf({ ...asIs, limit_percent: 101 })).toEqual({ limit_percent: { least: 0, most: 100 } });
    expect(faultsOf({ ...asIs, ratio: '' })).toEqual({});
  });

  it('begins with the campaign as it is, with defaults where nothing is set', () => {
    const campaign = { settings: { limit: 0.03 }, ledger: [] } as unknown as Parameters<typeof nowOf>[0];
    expect(nowOf(campaign)).toEqual(NOW);
    expect(nowOf({ ...campaign, settings: { limit: 0.01, amd: false, mode: 'progressive' } } as unknown as typeof campaign)).toMatchObject({ amd: false, limit_percent: 1, mode: 'progressive' });
  });
});

describe('the day', () => {
  it('is named by the clock here and found again', () => {
    const day = dayOf('2026-03-01');
    expect(day && dayKey(new Date(day.from_us / 1_000))).toBe('2026-03-01');
    for (const none of ['', '2026-02-30', '2026-2-3', 'base', '20260301']) expect(dayOf(none), none).toBeNull();
  });

  it('gathers the calls of its hours, the latest day first', () => {
    const days = daysOf([hour(new Date(2026, 4, 1, 9), 5), hour(new Date(2026, 4, 1, 23), 2), hour(new Date(2026, 4, 2, 0), 4)]);
    expect(days.map(({ key, calls }) => [key, calls])).toEqual([['2026-05-02', 4], ['2026-05-01', 7]]);
    expect(daysOf([])).toEqual([]);
  });

  it('is at first the latest whole one with enough calls', () => {
    const now = new Date(2026, 4, 3, 12);
    const days = daysOf([hour(new Date(2026, 4, 1, 9), 900), hour(new Date(2026, 4, 2, 9), 20), hour(new Date(2026, 4, 3, 9), 500)]);
    expect(usualDay(days, now)?.key).toBe('2026-05-01');
    expect(usualDay(days.slice(0, 2), now)?.key).toBe('2026-05-03');
    expect(usualDay(days.slice(1, 2), now)).toBeUndefined();
  });

  it('is asked for up to now and never longer than a replay can be', () => {
    const day = { key: '2026-10-25', from_us: 1_000_000 * HOUR_US, to_us: 1_000_025 * HOUR_US, calls: 1 };
    const body = (now_us: number) => asked('spring', day, { limit: 0.02 }, 'usual', now_us);
    expect(body(2_000_000 * HOUR_US)).toEqual({ campaign: 'spring', from: String(day.from_us), to: String(day.from_us + 24 * HOUR_US), limit: 0.02, days: 40 });
    expect(body(day.from_us + HOUR_US).to).toBe(String(day.from_us + HOUR_US));
    expect(asked('spring', null, { more_agents: 3 }, 'quick', 0)).toEqual({ campaign: 'spring', base: true, more_agents: 3, days: 10 });
  });
});
