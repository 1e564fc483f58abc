import { MantineProvider } from '@mantine/core';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTexts } from '../app/i18n';
import { columnsIn, DataTable, type Column } from './data_table';

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

describe('a table whose rows come and go', () => {
  const opened: number[] = [];
  const shown: Column<{ id: number }>[] = [{ key: 'id', head: 'Id', cell: (row) => `row ${row.id}` }];
  const table = (...ids: number[]) => (
    <MantineProvider>
      <DataTable label="calls" columns={shown} rows={ids.map((id) => ({ id }))} rowId={(row) => row.id} onOpen={(row) => opened.push(row.id)} empty="none" />
    </MantineProvider>
  );
  const row = (id: number) => screen.getByText(`row ${id}`).closest<HTMLElement>('[role=row]') as HTMLElement;

  beforeAll(startTexts);
  beforeEach(() => {
    opened.splice(0);
    // Nothing has a size here; without one no row would be in sight.
    vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(400);
    vi.spyOn(Element.prototype, 'clientWidth', 'get').mockReturnValue(800);
    HTMLElement.prototype.scrollTo = () => {};
  });
  afterEach(() => vi.restoreAllMocks());

  it('opens the row in focus, wherever it stands by now, and steps on from there', async () => {
    const { rerender } = render(table(1, 2, 3, 4, 5));
    row(3).focus();
    rerender(table(2, 3, 4, 5));
    expect(document.activeElement).toBe(row(3));
    fireEvent.keyDown(row(3), { key: 'Enter' });
    fireEvent.keyDown(row(3), { key: 'ArrowDown' });
    await waitFor(() => expect(document.activeElement).toBe(row(4)));
    expect(opened).toEqual([3]);
  });

  it('gives the focus of a row that ended to the next one, to the last where none is next, and takes it from nobody else', async () => {
    const { rerender } = render(table(1, 2, 3, 4, 5));
    row(4).focus();
    rerender(table(3, 4, 5));
    rerender(table(3, 5));
    await waitFor(() => expect(document.activeElement).toBe(row(5)));
    rerender(table(3));
    await waitFor(() => expect(document.activeElement).toBe(row(3)));
    row(3).blur();
    rerender(table(8));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    expect(document.activeElement).toBe(document.body);
  });
});
