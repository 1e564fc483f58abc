/**
 * Calls under way, kept by events while somebody looks.
 *
 * ```text
 *  GET /api/v1/calls (at first, each 5 s for the quality, after a reset) ──┐
 *  call.dialling … call.connected: put   call.ended: taken away  ──────────┴──> map ──at most 4 times a second──> page
 * ```
 *
 * A list that was asked for before a call ended must not bring the call back: what ended meanwhile is left out of it.
 */
import { api, data, type Thing } from './client';
import { listen } from './events';
import { Problem } from './problem';
import { createStore } from './store';

export type Call = Thing<'CallView'>;

export interface LiveCalls {
  /** Oldest first. */
  calls: Call[];
  loading: boolean;
  problem: Problem | null;
}

const NOTHING: LiveCalls = { calls: [], loading: true, problem: null };
/** Events come by the hundred; eyes take four pictures a second. */
const SHOW_EVERY_MS = 250;
/** What is heard of a call changes without events, at most this often. */
const READ_EVERY_MS = 5_000;

export const liveCalls = createStore<LiveCalls>(NOTHING);

const calls = new Map<number, Call>();
let followers = 0;
let stop: (() => void) | null = null;
let ended: Set<number> | null = null;

function show(): void {
  liveCalls.set({ calls: [...calls.values()].sort((a, b) => a.began_us - b.began_us || a.id - b.id), loading: false, problem: null });
}

async function read(): Promise<void> {
  // One at a time: a slow answer is not helped by a second question.
  if (ended) return;
  ended = new Set();
  try {
    const page = await data(api.GET('/api/v1/calls'));
    if (!stop) return;
    calls.clear();
    for (const call of page.items) if (!ended.has(call.id)) calls.set(call.id, call);
    show();
  } catch (error) {
    if (stop && liveCalls.get().loading) liveCalls.set({ calls: [], loading: false, problem: error instanceof Problem ? error : Problem.unreachable() });
  } finally {
    ended = null;
  }
}

/** Tries again at once. */
export function readCalls(): void {
  liveCalls.set(NOTHING);
  void read();
}

function start(): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      show();
    }, SHOW_EVERY_MS);
  };
  const stopCalls = listen('call.*', (call, kind) => {
    const { id } = call as Call;
    if (kind === 'call.ended') {
      calls.delete(id);
      ended?.add(id);
    } else {
      // The quality comes with the list alone.
      calls.set(id, call as Call);
    }
    if (!liveCalls.get().loading) soon();
  });
  const stopReset = listen('reset', () => void read());
  const again = setInterval(() => {
    if (document.visibilityState === 'visible') void read();
  }, READ_EVERY_MS);
  void read();
  return () => {
    if (timer !== null) clearTimeout(timer);
    clearInterval(again);
    stopCalls();
    stopReset();
    calls.clear();
    liveCalls.set(NOTHING);
  };
}

/** Keeps the calls true until the answer is called. */
export function followCalls(): () => void {
  followers += 1;
  stop ??= start();
  return () => {
    followers -= 1;
    if (followers > 0) return;
    stop?.();
    stop = null;
  };
}
