/**
 * Calls under way, kept by events while somebody looks.
 *
 * ```text
 *  GET /api/v1/calls (at first, each 5 s for the quality, after a reset) ──┐
 *  call.dialling … call.connected: put   call.ended: taken away  ──────────┴──> map ──at most 4 times a second──> page
 * ```
 *
 * A list is as old as its question. What events said since then counts: a call that ended does not come back, one that was
 * answered does not ring again, one that began is there. Only the quality is the list's own, and stays until the next list.
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
/** What events said since the list was asked for; `null` of a call: it ended. Nothing while no list is under way. */
let since: Map<number, Call | null> | null = null;

function show(): void {
  liveCalls.set({ calls: [...calls.values()].sort((a, b) => a.began_us - b.began_us || a.id - b.id), loading: false, problem: null });
}

/** An event has no quality: what was last heard stays. */
function put(call: Call): void {
  calls.set(call.id, { ...call, quality: call.quality ?? calls.get(call.id)?.quality });
}

async function read(): Promise<void> {
  // One at a time: a slow answer is not helped by a second question.
  if (since) return;
  const news = new Map<number, Call | null>();
  since = news;
  try {
    const page = await data(api.GET('/api/v1/calls'));
    if (!stop) return;
    calls.clear();
    for (const call of page.items) calls.set(call.id, call);
    for (const [id, call] of news) {
      if (call) put(call);
      else calls.delete(id);
    }
    show();
  } catch (error) {
    if (stop && liveCalls.get().loading) liveCalls.set({ calls: [], loading: false, problem: error instanceof Problem ? error : Problem.unreachable() });
  } finally {
    since = null;
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
      since?.set(id, null);
    } else {
      put(call as Call);
      since?.set(id, call as Call);
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
