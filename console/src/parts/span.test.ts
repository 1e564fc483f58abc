import { describe, expect, it } from 'vitest';
import { localInput, spanName, spanOf, spanQuery } from './span';

const none = { span: '', from: '', to: '' };
const now = new Date(2026, 2, 30, 14, 5, 9);
const us = (...parts: [number, number, number]) => new Date(...parts).getTime() * 1_000;

describe('a span', () => {
  it('begins and ends at midnight here', () => {
    expect(spanOf({ ...none, span: 'today' }, 'all', now)).toEqual({ from_us: us(2026, 2, 30), to_us: null });
    expect(spanOf({ ...none, span: 'yesterday' }, 'all', now)).toEqual({ from_us: us(2026, 2, 29), to_us: us(2026, 2, 30) });
    // Seven days, today among them; over the end of a month.
    expect(spanOf({ ...none, span: 'week' }, 'all', new Date(2026, 2, 3))).toEqual({ from_us: us(2026, 1, 25), to_us: null });
  });

  it('is the usual one unless the address says another', () => {
    expect(spanName(none, 'today')).toBe('today');
    expect(spanName({ ...none, span: 'nonsense' }, 'week')).toBe('week');
    expect(spanName({ ...none, from: '2026-03-01T00:00:00Z' }, 'today')).toBe('own');
  });

  it('may be open at either end, and what is no moment is open', () => {
    const own = spanOf({ span: 'own', from: '2026-03-01T00:00:00Z', to: 'soon' }, 'today', now);
    expect(own).toEqual({ from_us: Date.UTC(2026, 2, 1) * 1_000, to_us: null });
    expect(spanQuery(own)).toEqual({ from: String(Date.UTC(2026, 2, 1) * 1_000), to: undefined });
    expect(spanQuery(spanOf({ ...none, span: 'all' }, 'today', now))).toEqual({ from: undefined, to: undefined });
  });

  it('is written for a field as the clock shows it', () => {
    expect(localInput(new Date(2026, 0, 5, 7, 3))).toBe('2026-01-05T07:03');
  });
});
