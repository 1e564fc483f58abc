/** Routes as the editor holds them: `play:FILE` and `reject:CODE` in two parts, and a key that stays when a row moves. */
import type { Thing } from '../../api/client';
import type { FieldFault } from '../../api/problem';
import { sentence } from '../../api/problem';

export type RouteSettings = Thing<'Routes'>['items'][number];
export type Kind = 'echo' | 'play' | 'reject';

export interface Row {
  key: number;
  to: string;
  from: string | null;
  kind: Kind;
  /** The file, or the code. */
  argument: string;
}

let lastKey = 0;

export function newRow(): Row {
  lastKey += 1;
  return { key: lastKey, to: '', from: null, kind: 'echo', argument: '' };
}

export function toRows(routes: readonly RouteSettings[]): Row[] {
  return routes.map((route) => {
    const [kind, ...rest] = route.action.split(':');
    return { ...newRow(), to: route.to, from: route.from_trunk ?? null, kind: kind === 'play' || kind === 'reject' ? kind : 'echo', argument: rest.join(':') };
  });
}

export function toRoutes(rows: readonly Row[]): RouteSettings[] {
  return rows.map((row) => ({
    to: row.to.trim(),
    action: row.kind === 'echo' ? 'echo' : `${row.kind}:${row.argument.trim()}`,
    ...(row.from === null ? {} : { from_trunk: row.from }),
  }));
}

/** The row at `at` in another place. */
export function moved(rows: readonly Row[], at: number, to: number): Row[] {
  const next = [...rows];
  const [row] = next.splice(at, 1);
  if (row) next.splice(to, 0, row);
  return next;
}

/** Faults by row and part of it: `items[2].action` is of the third row. What belongs to no row is left over. */
export function faultsOf(faults: readonly FieldFault[]): { rows: Map<number, Partial<Record<'to' | 'action' | 'from_trunk', string>>>; rest: FieldFault[] } {
  const rows = new Map<number, Partial<Record<'to' | 'action' | 'from_trunk', string>>>();
  const rest: FieldFault[] = [];
  for (const fault of faults) {
    const match = /^items\[(\d+)\]\.?(to|action|from_trunk)?/.exec(fault.field);
    if (!match) {
      rest.push(fault);
      continue;
    }
    const row = Number(match[1]);
    const part = (match[2] ?? 'to') as 'to' | 'action' | 'from_trunk';
    rows.set(row, { [part]: sentence(fault), ...rows.get(row) });
  }
  return { rows, rest };
}
