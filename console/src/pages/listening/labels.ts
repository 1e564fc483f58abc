/**
 * What can have answered, and the order in which one listens.
 *
 * ```text
 *   rows of the server, newest first ──> the first that nothing was said of ──1..6──> said ──> the next one
 *                                                      ^                                  │
 *                                                      └──────────────undo────────────────┘
 * ```
 */
import { ANSWERED, type Answered } from '../../parts/words';

/** What was said of one call; `null`: it was passed over. */
export interface Said {
  attempt: number;
  answered: Answered | null;
}

/** The label of a digit key: 1 is the first. */
export function labelOf(key: string): Answered | null {
  return /^[1-9]$/.test(key) ? (ANSWERED[Number(key) - 1] ?? null) : null;
}

/** The first row that nothing was said of, and the one behind it, whose evidence can be fetched meanwhile. */
export function nextOf<Row extends { attempt: number }>(rows: readonly Row[], said: readonly Said[]): [now: Row | undefined, then: Row | undefined] {
  const over = new Set(said.map(({ attempt }) => attempt));
  const open = rows.filter(({ attempt }) => !over.has(attempt));
  return [open[0], open[1]];
}

/** Labels by how often they were given here. */
export function countsOf(said: readonly Said[]): { labelled: number; passed: number } {
  const labelled = said.filter(({ answered }) => answered !== null).length;
  return { labelled, passed: said.length - labelled };
}
