import { describe, expect, it } from 'vitest';
import { ticksOf } from './ticks';

describe('ticks', () => {
  it('are round, begin at 0 and reach the greatest value', () => {
    expect(ticksOf(87, 4)).toEqual([0, 50, 100]);
    expect(ticksOf(100, 4)).toEqual([0, 50, 100]);
    expect(ticksOf(1_234, 4)).toEqual([0, 500, 1_000, 1_500]);
  });

  it('are whole: there is no half attempt', () => {
    expect(ticksOf(1, 4)).toEqual([0, 1]);
    expect(ticksOf(3, 4)).toEqual([0, 1, 2, 3]);
  });

  it('stand for an axis of nothing, too', () => {
    expect(ticksOf(0, 4)).toEqual([0, 1]);
    expect(ticksOf(Number.NEGATIVE_INFINITY, 4)).toEqual([0, 1]);
  });
});
