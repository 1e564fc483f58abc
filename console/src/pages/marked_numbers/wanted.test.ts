import { describe, expect, it } from 'vitest';
import { wanted } from './wanted';

describe('a number that is looked for', () => {
  it('is asked for as the API writes it, however people write it', () => {
    expect(['+12125550100', '+1 (212) 555-0100', ' +1.212/555 0100 '].map(wanted)).toEqual(Array(3).fill('+12125550100'));
  });
  it('is not asked for before it is one', () => {
    expect(['', '+', '+1212', '2125550100', '+0212555010', '+1212555010012345', '+1212x550100'].map(wanted)).toEqual(Array(7).fill(null));
  });
});
