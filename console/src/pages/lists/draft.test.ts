import { describe, expect, it } from 'vitest';
import { FILE_BYTES_MAX, faultOf, mapText } from './draft';

function fileOf(bytes: number[] | string, name = 'leads.csv'): File {
  return new File([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], name);
}

describe('a file, before anything is sent', () => {
  it('is text with something in it', async () => {
    expect(await faultOf(fileOf('phone\n+12125550100\n'))).toBeNull();
    expect(await faultOf(fileOf(''))).toBe('empty');
  });

  it('is no workbook, whatever its name says', async () => {
    expect(await faultOf(fileOf([0x50, 0x4b, 0x03, 0x04, 0x14, 0x00]))).toBe('workbook');
    expect(await faultOf(fileOf([0xd0, 0xcf, 0x11, 0xe0, 0xa1]))).toBe('workbook');
    // A header that begins like one is text all the same.
    expect(await faultOf(fileOf('PK;phone\n1;2\n'))).toBeNull();
  });

  it('is not larger than the server takes', async () => {
    const large = fileOf('x');
    Object.defineProperty(large, 'size', { value: FILE_BYTES_MAX + 1, configurable: true });
    expect(await faultOf(large)).toBe('large');
    Object.defineProperty(large, 'size', { value: FILE_BYTES_MAX });
    expect(await faultOf(large)).toBeNull();
  });
});

describe('the map', () => {
  it('names every field, so that the server guesses none', () => {
    expect(mapText({ phone: 'Telefon', last_name: 'Name' })).toBe('phone=Telefon,phone2=,phone3=,phone4=,first_name=,last_name=Name,timezone=,external_id=,segment=,region=,priority=');
  });
});
