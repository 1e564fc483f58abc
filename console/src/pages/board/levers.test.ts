import { expect, it } from 'vitest';
import { difference, faultsOf, read, type Levers } from './levers';

const now: Levers = { mode: 'power', ratio: 1.5, limit_percent: 3 };

it('an empty field, a half written one and one out of range apply nothing', () => {
  for (const limit_percent of ['', '-', 101, -1, Number.NaN]) expect(read({ ...now, limit_percent }, now), String(limit_percent)).toBeNull();
  for (const ratio of ['', 0.5, 21]) expect([faultsOf({ ...now, ratio }).ratio, read({ ...now, ratio }, now)], String(ratio)).toEqual([true, null]);
});

it('only what is another is sent, and a ratio that is not shown stays as it is', () => {
  expect(difference(now, read({ ...now, limit_percent: 2.5 }, now) as Levers)).toEqual({ limit: 0.025 });
  expect(read({ mode: 'predictive', ratio: '', limit_percent: 3 }, now)).toEqual({ mode: 'predictive', ratio: 1.5, limit_percent: 3 });
  expect(difference(now, { ...now })).toEqual({});
});
