/**
 * The live figures: the newest board, and of each campaign the last quarter of an hour second by second.
 *
 * ```text
 *  event board (once a second) ──> boardStore ──> figures
 *                             └──> tracks: columns of at most TRACK_POINTS ──> plots
 *  GET …/series (a page opens, the stream was away) ──fills──┘
 * ```
 *
 * Nothing here grows: a track keeps {@link TRACK_POINTS} points (15 minutes; 12 columns of 8 bytes: 86 kB a campaign, twice
 * that before it is cut), and a campaign that left the board leaves here too.
 */
import { api, data, type Thing } from './client';
import { listen } from './events';
import { Problem } from './problem';
import { createStore } from './store';

export type Board = Thing<'Board'>;
export type BoardCampaign = Thing<'BoardCampaign'>;
export type AgentCounts = Thing<'AgentCounts'>;
export type LedgerWindow = Thing<'WindowView'>;

/** Points of a track: seconds. */
export const TRACK_POINTS = 900;
/** Seconds that may lie between two boards before a track is fetched anew. */
const GAP_S = 5;

/** What a track remembers of each second. */
export const COLUMNS = [
  'attempts', 'ringing', 'talking', 'waiting', 'connected', 'abandoned',
  'agents_ready', 'agents_talking', 'agents_wrap_up', 'agents_on_break', 'occupancy',
] as const;
export type ColumnName = (typeof COLUMNS)[number];

/** The last seconds of one campaign, oldest first. */
export class Track {
  readonly at_s: number[] = [];
  readonly columns = Object.fromEntries(COLUMNS.map((name) => [name, [] as number[]])) as Record<ColumnName, number[]>;

  push(at_s: number, campaign: BoardCampaign): void {
    // Boards come a second apart, but a clock can step.
    if (at_s <= (this.at_s.at(-1) ?? 0)) return;
    this.at_s.push(at_s);
    const { agents } = campaign;
    const now: Record<ColumnName, number> = {
      attempts: campaign.attempts,
      ringing: campaign.ringing,
      talking: campaign.talking,
      waiting: campaign.waiting,
      connected: campaign.connected,
      abandoned: campaign.abandoned,
      agents_ready: agents.ready,
      agents_talking: agents.talking,
      agents_wrap_up: agents.wrap_up,
      agents_on_break: agents.on_break,
      occupancy: campaign.occupancy,
    };
    for (const name of COLUMNS) this.columns[name].push(now[name]);
    // Cut now and then: a shift of all columns each second would cost more than it saves.
    if (this.at_s.length >= 2 * TRACK_POINTS) this.cut(TRACK_POINTS);
  }

  /** Puts what the server remembers before and among what is here. */
  fill(at_s: number[], columns: Record<ColumnName, number[]>): void {
    const last = at_s.at(-1);
    if (last === undefined) return;
    const newer = this.at_s.findIndex((at) => at > last);
    const from = newer < 0 ? this.at_s.length : newer;
    this.at_s.splice(0, from, ...at_s);
    for (const name of COLUMNS) this.columns[name].splice(0, from, ...columns[name]);
    this.cut(TRACK_POINTS);
  }

  /** The last `points` of some columns, as a plot takes them. */
  view(names: readonly ColumnName[], points: number): [number[], ...number[][]] {
    const from = Math.max(0, this.at_s.length - points);
    return [this.at_s.slice(from), ...names.map((name) => this.columns[name].slice(from))];
  }

  private cut(points: number): void {
    const over = this.at_s.length - points;
    if (over <= 0) return;
    this.at_s.splice(0, over);
    for (const name of COLUMNS) this.columns[name].splice(0, over);
  }
}

export const boardStore = createStore<Board | null>(null);
/** Why there is no board at all; a stream that was lost later is told by the shell. */
export const boardProblem = createStore<Problem | null>(null);

const tracks = new Map<string, Track>();
const filled = new Set<string>();
/** Campaigns whose series could not be had, and when it is asked for again. One entry a campaign of the board. */
const refused = new Map<string, { until_ms: number; wait_ms: number }>();
const AGAIN_MIN_MS = 2_000;
const AGAIN_MAX_MS = 60_000;

/** The track of a campaign, which is there as soon as somebody asks. */
export function trackOf(campaign: string): Track {
  let track = tracks.get(campaign);
  if (!track) {
    track = new Track();
    tracks.set(campaign, track);
  }
  return track;
}

/** Brings a campaign's track up to date with what the server remembers; done once until the stream was away. */
export async function fillTrack(campaign: string): Promise<void> {
  const before = refused.get(campaign);
  if (filled.has(campaign) || (before && Date.now() < before.until_ms)) return;
  filled.add(campaign);
  try {
    const params = { path: { name: campaign }, query: { minutes: TRACK_POINTS / 60 } };
    const series = await data(api.GET('/api/v1/campaigns/{name}/series', { params }));
    refused.delete(campaign);
    trackOf(campaign).fill(series.at_us.map((at_us) => Math.round(at_us / 1_000_000)), series);
  } catch {
    // The plot begins now instead of a quarter of an hour ago. Boards come each second: a server in need is asked less and less.
    const wait_ms = before ? Math.min(2 * before.wait_ms, AGAIN_MAX_MS) : AGAIN_MIN_MS;
    refused.set(campaign, { until_ms: Date.now() + wait_ms, wait_ms });
    filled.delete(campaign);
  }
}

function take(board: Board): void {
  const at_s = Math.round(board.at_us / 1_000_000);
  const before = boardStore.get();
  if (before && at_s - before.at_us / 1_000_000 > GAP_S) filled.clear();
  const there = new Set(board.campaigns.map((campaign) => campaign.name));
  for (const name of [...tracks.keys()]) {
    if (there.has(name)) continue;
    tracks.delete(name);
    filled.delete(name);
    refused.delete(name);
  }
  for (const campaign of board.campaigns) trackOf(campaign.name).push(at_s, campaign);
  boardStore.set(board);
}

/** Asks for a board now, not in a second. */
export async function readBoard(): Promise<void> {
  boardProblem.set(null);
  try {
    const board = await data(api.GET('/api/v1/board'));
    // The stream may have been quicker.
    if (!boardStore.get()) take(board);
  } catch (error) {
    boardProblem.set(error instanceof Problem ? error : Problem.unreachable());
  }
}

/** Follows the boards while somebody looks at them. */
export function followBoards(): () => void {
  void readBoard();
  return listen('board', (board) => take(board as Board));
}

/** Another login sees other things. */
export function forgetBoards(): void {
  tracks.clear();
  filled.clear();
  refused.clear();
  boardStore.set(null);
  boardProblem.set(null);
}
