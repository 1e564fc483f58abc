import { describe, expect, it } from 'vitest';
import { NEW_TRUNK, toChanges, toSettings, toValues } from './settings';

const form = { ...NEW_TRUNK, name: 'carrier', host: ' sip.carrier.example ', username: 'alice', password: 'secret' };

describe('settings of a trunk', () => {
  it('leave out what is empty', () => {
    expect(toSettings(form)).toEqual({
      name: 'carrier', host: 'sip.carrier.example', username: 'alice', password: 'secret', register: false, nat: false, max_channels: 100,
      max_cps: 10, codecs: ['PCMU', 'PCMA'], ping_s: 30,
    });
  });

  it('never show a password, and send one only when it was written', () => {
    const kept = toValues({ name: 'carrier', host: 'sip.carrier.example', username: 'alice', password: 'secret' });
    expect(kept.password).toBe('');
    expect(toChanges(kept, kept)).toEqual({});
    expect(toChanges(kept, { ...kept, password: 'other' })).toEqual({ password: 'other' });
  });

  it('take the password away with the name', () => {
    const kept = toValues({ name: 'carrier', host: 'h', username: 'alice' });
    expect(toChanges(kept, { ...kept, username: '' })).toEqual({ username: null, password: null });
  });

  it('take back a price by null', () => {
    const kept = toValues({ name: 'carrier', host: 'h', price_per_min: 0.012, billing_s: '60/60' });
    expect(toChanges(kept, { ...kept, price_per_min: '', max_cps: 20 })).toEqual({ price_per_min: null, max_cps: 20 });
  });
});
