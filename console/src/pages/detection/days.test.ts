import { describe, expect, it } from 'vitest';
import { everyDay, topOf } from './days';

describe('shares by day', () => {
  it('are drawn on an axis that a single wide interval does not flatten', () => {
    expect(topOf([null], 0.01)).toBe(0.02);
    expect(topOf([{ share: 0.01, low: 0, high: 0.04 }, { share: 0, low: 0, high: 0.9 }], 0.01)).toBe(0.05);
    expect(topOf([{ share: 0.3, low: 0.2, high: 0.4 }], 0.01)).toBe(0.5);
  });
  it('are named so often as there is room', () => {
    expect([everyDay(7, 700), everyDay(28, 700), everyDay(28, 300), everyDay(1, 0)]).toEqual([1, 3, 7, 1]);
  });
});
