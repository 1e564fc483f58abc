import { describe, expect, it } from 'vitest';
import { countsOf, labelOf, nextOf, type Said } from './labels';

const ROWS = [9, 7, 4].map((attempt) => ({ attempt }));

describe('listening', () => {
  it('has a digit for each label and no other key', () => {
    expect(['1', '2', '3', '4', '5', '6', '7', '0', 'p', '12'].map(labelOf)).toEqual(['person', 'machine', 'ivr', 'screening', 'fax', 'silence', null, null, null, null]);
  });
  it('goes from call to call, and back by undo', () => {
    const said: Said[] = [];
    expect(nextOf(ROWS, said)).toEqual([{ attempt: 9 }, { attempt: 7 }]);
    said.push({ attempt: 9, answered: 'machine' }, { attempt: 7, answered: null });
    expect(nextOf(ROWS, said)).toEqual([{ attempt: 4 }, undefined]);
    expect(countsOf(said)).toEqual({ labelled: 1, passed: 1 });
    said.pop();
    expect(nextOf(ROWS, said)[0]).toEqual({ attempt: 7 });
    said.push({ attempt: 7, answered: 'person' }, { attempt: 4, answered: 'person' });
    expect(nextOf(ROWS, said)).toEqual([undefined, undefined]);
  });
});
