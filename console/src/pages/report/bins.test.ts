import { describe, expect, it } from 'vitest';
import type { Thing } from '../../api/client';
import { binsOf } from './bins';

type Hour = Thing<'Hour'>;

const HOUR_US = 3_600_000_000;
const hour = (at_us: number, attempts: number): Hour => ({ at_us, attempts, answered: 0, connected: 1, abandoned: 0, machines: 0, talk_s: 10 });

describe('bins of a plot', () => {
  it('have no gaps between the first hour and the last', () => {
    const at_us = new Date(2026, 2, 2, 9).getTime() * 1_000;
    const { by, bins } = binsOf([hour(at_us, 5), hour(at_us + 3 * HOUR_US, 7)]);
    expect(by).toBe('hour');
    expect(bins.map((bin) => bin.attempts)).toEqual([5, 0, 0, 7]);
  });

  it('become days when there are too many hours, and nothing is lost', () => {
    const first = new Date(2026, 0, 1, 9).getTime() * 1_000;
    const hours = Array.from({ length: 60 }, (_, day) => [hour(first + day * 24 * HOUR_US, 2), hour(first + day * 24 * HOUR_US + HOUR_US, 3)]).flat();
    const { by, bins } = binsOf(hours);
    expect(by).toBe('day');
    expect(bins.reduce((sum, bin) => sum + bin.attempts, 0)).toBe(60 * 5);
    expect(bins.reduce((sum, bin) => sum + bin.talk_s, 0)).toBe(120 * 10);
    expect(bins.length).toBeGreaterThanOrEqual(60);
  });

  it('are none without hours', () => {
    expect(binsOf([])).toEqual({ by: 'hour', bins: [] });
  });
});
