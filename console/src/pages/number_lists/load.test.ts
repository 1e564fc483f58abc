import { describe, expect, it } from 'vitest';
import { ageOf, dayOf, query } from './load';

const DAY = Date.UTC(2026, 10, 20) * 1_000;

describe('a list of numbers from outside', () => {
  it('is as old as whole days since the day of its source', () => {
    expect(dayOf(DAY)).toBe('2026-11-20');
    expect(ageOf(DAY, DAY + 86_399_999_999)).toBe(0);
    expect(ageOf(DAY, DAY + 31 * 86_400_000_000)).toBe(31);
    // A clock here that is behind makes no negative age.
    expect(ageOf(DAY, DAY - 1)).toBe(0);
  });
  it('is asked for as the API wants it, by force only when that was chosen', () => {
    const load = { kind: 'reassigned', source: ' fcc ', as_of: '2026-11-20', region: 'US', file: null, force: false };
    expect(query(load)).toBe('kind=reassigned&source=fcc&as_of=2026-11-20&region=US');
    expect(query({ ...load, force: true })).toBe('kind=reassigned&source=fcc&as_of=2026-11-20&region=US&force=true');
  });
});
