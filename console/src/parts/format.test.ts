import { beforeAll, describe, expect, it } from 'vitest';
import { i18n } from '../app/i18n';
import { bytes, clock, compact, percent, regional, shortSpan } from './format';

beforeAll(() => i18n.init({ lng: 'en' }));

describe('format', () => {
  it('writes spans as clocks', () => {
    expect([0, 999, 7_000, 205_000, 3_729_000, -5_000].map(clock)).toEqual(['0:00', '0:00', '0:07', '3:25', '1:02:09', '0:00']);
  });

  it('finds a unit that fits', () => {
    expect([86, 1_840, 2_500_000].map(shortSpan)).toEqual(['86 μs', '1.8 ms', '2.5 sec']);
    expect([0, 512, 15_300, 2_000_000].map(bytes)).toEqual(['0 bytes', '512 bytes', '15.3 kB', '2 MB']);
  });

  it('shortens large counts only', () => {
    expect([0, 9_999, 19_400, 1_250_000].map(compact)).toEqual(['0', '9,999', '19.4K', '1.3M']);
  });

  it('writes as the region of the browser does, in the language of the console', () => {
    expect(regional('en', ['de-AT', 'en-GB', 'en-US'])).toBe('en-GB');
    expect(regional('en', ['de-AT', 'eng'])).toBe('en');
    expect(regional('de', ['de'])).toBe('de');
  });

  it('follows the language', async () => {
    expect(percent(0.0238, 2)).toBe('2.38%');
    await i18n.changeLanguage('de');
    expect(percent(0.0238, 2)).toBe('2,38\u00a0%');
    expect(compact(9_999)).toBe('9.999');
    await i18n.changeLanguage('en');
  });
});
