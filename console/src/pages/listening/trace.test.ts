import { describe, expect, it } from 'vitest';
import { courses, seconds, stepAt } from './trace';

const CLASSES = ['human', 'machine', 'ivr', 'screening', 'silence', 'fax', 'sit'];

describe('what a detector thought', () => {
  it('is the person, the machines together, and what else ever mattered', () => {
    const found = courses(CLASSES, [[0.5, 0.1, 0.1, 0.1, 0.2, 0, 0], [0.1, 0.6, 0.2, 0.05, 0.05, 0, 0]]);
    expect(found.map(({ code }) => code)).toEqual(['human', 'machines', 'silence']);
    expect(found[0]?.values).toEqual([0.5, 0.1]);
    expect(found[1]?.values.map((value) => Number(value.toFixed(3)))).toEqual([0.3, 0.85]);
  });
  it('stands of nothing as well, and of classes in another order', () => {
    expect(courses(CLASSES, []).map(({ values }) => values)).toEqual([[], []]);
    expect(courses(['machine', 'human'], [[0.2, 0.8]]).map(({ values }) => values)).toEqual([[0.8], [0.2]]);
  });
  it('is found at a moment', () => {
    expect([0, 1, 40, 41, 900].map((at_ms) => stepAt(at_ms, 40, 5))).toEqual([0, 0, 0, 1, 4]);
    expect(stepAt(100, 40, 0)).toBe(-1);
  });
  it('has marks that do not crowd', () => {
    expect(seconds(2_400)).toEqual([0, 1, 2]);
    expect(seconds(9_000)).toEqual([0, 2, 4, 6, 8]);
  });
});
