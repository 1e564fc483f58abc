import { describe, expect, it } from 'vitest';
import type { LedgerWindow } from '../../api/boards';
import { connectedForOne, tightest, toneOf } from './budget';

function window(abandoned: number, connected: number, budget_left: number, name = 'run'): LedgerWindow {
  return { window: name, connected, abandoned, machines: 0, lost: 0, abandon_rate: abandoned / Math.max(1, abandoned + connected), strict_rate: 0, limit: 0.03, budget_left };
}

describe('the abandon budget', () => {
  it('is bad over the limit, a warning near it or when the next one passes it, else in order', () => {
    expect(toneOf(window(4, 96, -1))).toBe('bad');
    expect(toneOf(window(25, 975, 5))).toBe('warn');
    expect(toneOf(window(1, 40, 0))).toBe('warn');
    expect(toneOf(window(0, 10, 0))).toBe('ok');
    expect(toneOf(window(1, 400, 11))).toBe('ok');
    expect(toneOf(window(0, 0, 0))).toBe('ok');
  });

  it('opens when one abandoned person keeps within the limit', () => {
    expect(connectedForOne(0.03)).toBe(33);
    expect(1 / (1 + 33)).toBeLessThanOrEqual(0.03);
    expect(1 / (1 + 32)).toBeGreaterThan(0.03);
    expect(connectedForOne(0.5)).toBe(1);
  });

  it('is that of the window with the least left', () => {
    expect(tightest([window(1, 400, 11), window(2, 200, 4, 'local_day'), window(2, 900, 25, 'days:30')])?.window).toBe('local_day');
    expect(tightest([])).toBeUndefined();
  });
});
