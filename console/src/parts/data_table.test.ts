import { describe, expect, it } from 'vitest';
import { columnsIn, type Column } from './data_table';

const columns: Column<object>[] = [
  { key: 'name', head: 'Name', width: 'minmax(150px, 1fr)', cell: () => null },
  { key: 'mos', head: 'MOS', width: '54px', spare: 1, cell: () => null },
  { key: 'trunk', head: 'Trunk', width: 'minmax(130px, 1fr)', spare: 2, cell: () => null },
  { key: 'note', head: 'Note', cell: () => null },
];
/** Their least widths and the edges of a row. */
const ALL_PX = 150 + 54 + 130 + 96 + 16;

describe('columns in the room there is', () => {
  const keys = (width_px: number | null) => columnsIn(columns, width_px).map((column) => column.key);

  it('all stand where all fit, and before anything is measured', () => {
    expect(keys(ALL_PX)).toEqual(['name', 'mos', 'trunk', 'note']);
    expect(keys(null)).toEqual(['name', 'mos', 'trunk', 'note']);
  });

  it('those that can be spared go, the highest number first, and no others', () => {
    expect(keys(ALL_PX - 1)).toEqual(['name', 'mos', 'note']);
    expect(keys(ALL_PX - 131)).toEqual(['name', 'note']);
    expect(keys(10)).toEqual(['name', 'note']);
  });
});
