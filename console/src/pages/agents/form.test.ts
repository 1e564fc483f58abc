import { expect, it } from 'vitest';
import { changesOf } from './form';

const before = { name: 'ann', sip: 'sip:ann@host', auto_ready: false, skills: ['sales'], password: '' };

it('of an agent only what was changed is sent', () => {
  expect(changesOf(before, { ...before, skills: ['sales'] })).toEqual({});
  expect(changesOf(before, { ...before, sip: '' })).toEqual({ sip: null });
  expect(changesOf(before, { ...before, skills: [], auto_ready: true, password: 'x' })).toEqual({ skills: [], auto_ready: true, password: 'x' });
});
