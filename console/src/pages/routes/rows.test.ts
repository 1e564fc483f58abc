import { describe, expect, it } from 'vitest';
import { faultsOf, moved, toRoutes, toRows } from './rows';

const routes = [
  { to: 'echo', action: 'echo' },
  { to: '\\+1555.*', action: 'reject:486', from_trunk: 'carrier' },
  { to: 'news', action: 'play:news:today.wav' },
];

describe('rows of routes', () => {
  it('go back as they came', () => {
    expect(toRoutes(toRows(routes))).toEqual(routes);
  });

  it('keep no argument where the action takes none', () => {
    const [first] = toRows([{ to: 'a', action: 'reject:486' }]);
    expect(toRoutes([{ ...first!, kind: 'echo' }])).toEqual([{ to: 'a', action: 'echo' }]);
  });

  it('move up and down, and keep their keys', () => {
    const rows = toRows(routes);
    const down = moved(rows, 0, 2);
    expect(down.map((row) => row.to)).toEqual(['\\+1555.*', 'news', 'echo']);
    expect(moved(down, 2, 0)).toEqual(rows);
  });

  it('know whose fault it is', () => {
    const { rows, rest } = faultsOf([
      { field: 'items[2].action', what: 'file is not there', mend: 'name one' },
      { field: 'items[0]', what: 'is no route', mend: '' },
      { field: 'items', what: 'too many', mend: 'take some out' },
    ]);
    expect(rows).toEqual(new Map([[2, { action: 'file is not there: name one' }], [0, { to: 'is no route' }]]));
    expect(rest.map((fault) => fault.field)).toEqual(['items']);
  });
});
