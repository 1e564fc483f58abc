import { describe, expect, it } from 'vitest';
import { bySection, same, shown, type SettingInfo } from './groups';

const item = (key: string) => ({ key, value: 1, default: 1, doc: '', editable: false, restart: true }) as unknown as SettingInfo;

describe('settings', () => {
  it('stand in sections, in the order in which they come', () => {
    const groups = bySection([item('server.http'), item('store.url'), item('server.drain_s')]);
    expect(groups.map(([section, items]) => [section, items.map((one) => one.key)])).toEqual([
      ['server', ['server.http', 'server.drain_s']],
      ['store', ['store.url']],
    ]);
  });

  it('are read by people', () => {
    const words = { yes: 'yes', no: 'no' };
    expect([true, false, ['a', 'b'], 15, '', null].map((value) => shown(value, words))).toEqual(['yes', 'no', 'a, b', '15', null, null]);
    expect(same(null, undefined)).toBe(true);
    expect(same([1], [1])).toBe(true);
    expect(same(15, '15')).toBe(false);
  });
});
