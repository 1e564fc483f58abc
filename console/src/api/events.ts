/**
 * One stream of events for the whole console.
 *
 * ```text
 *  GET /api/v1/events?kinds=…  ──parse──>  listeners by kind:  query caches (live.ts), boards (boards.ts), pages
 *        lost ──wait 0.5 s … 15 s──> again, after the last id; the server says `reset` when that is too long ago,
 *                                    and where no numbered event came yet we say it ourselves: all is read anew
 *        hidden ──{@link HIDDEN_MS}──> closed; seen again ──> again, in the same way
 * ```
 *
 * The stream runs while somebody is logged in. Kinds that cost much (`call.*`: several for each call) are asked for only
 * while a page listens to them. A stream that says nothing for {@link QUIET_MS} is taken for dead: the server sends a
 * heartbeat each 15 s. A tab that nobody sees holds no stream: over HTTP/1.1 a browser has six connections to a server
 * for all its tabs, and the seventh tab would wait for ever.
 */
import { useEffect } from 'react';
import { loginEnded, send } from './client';
import { Problem } from './problem';
import { SseParser } from './sse';
import { createStore } from './store';

export type EventsState = { kind: 'off' } | { kind: 'connecting' } | { kind: 'live' } | { kind: 'reconnecting'; since_ms: number };

/** A heartbeat comes each 15 s; two may be late. */
const QUIET_MS = 40_000;
const BACK_OFF_MIN_MS = 500;
const BACK_OFF_MAX_MS = 15_000;
/** Pages come and go in one click: wanted kinds settle before the stream is opened anew. */
const SETTLE_MS = 100;
/** Who only looks something up in another tab comes back sooner. */
const HIDDEN_MS = 10_000;

export type Listener = (data: unknown, kind: string) => void;

/** How the stream is. */
export const eventsState = createStore<EventsState>({ kind: 'off' });

const listeners = new Map<string, Set<Listener>>();
let running: AbortController | null = null;
let reopen: ReturnType<typeof setTimeout> | null = null;
let lastId: string | null = null;
/** There was a stream since {@link startEvents}: what came between it and the next one is missed, unless an id leads on. */
let followed = false;

/** Listens to one kind (`agent.state`), all that begin alike (`call.*`), or `reset`: something is lost, read anew. */
export function listen(kind: string, listener: Listener): () => void {
  const some = listeners.get(kind) ?? new Set();
  const first = some.size === 0;
  some.add(listener);
  listeners.set(kind, some);
  if (first) settle();
  return () => {
    some.delete(listener);
    if (some.size === 0 && listeners.get(kind) === some) {
      listeners.delete(kind);
      settle();
    }
  };
}

/** {@link listen} for as long as a component stands; `listener` must be stable. */
export function useEvents(kind: string, listener: Listener): void {
  useEffect(() => listen(kind, listener), [kind, listener]);
}

let wanted = false;
let hiding: ReturnType<typeof setTimeout> | null = null;

/** Opens the stream. */
export function startEvents(): void {
  if (wanted) return;
  wanted = true;
  document.addEventListener('visibilitychange', seen);
  open();
  seen();
}

/** Closes it and forgets where it was: the next login begins anew. */
export function stopEvents(): void {
  wanted = false;
  document.removeEventListener('visibilitychange', seen);
  if (hiding !== null) clearTimeout(hiding);
  hiding = null;
  close();
  lastId = null;
  followed = false;
}

function open(): void {
  if (running) return;
  running = new AbortController();
  void run(running.signal);
}

function close(): void {
  running?.abort();
  running = null;
  eventsState.set({ kind: 'off' });
}

/** The tab was hidden, or is seen again. */
function seen(): void {
  if (document.visibilityState === 'hidden') {
    hiding ??= setTimeout(() => {
      hiding = null;
      close();
    }, HIDDEN_MS);
    return;
  }
  if (hiding !== null) clearTimeout(hiding);
  hiding = null;
  open();
}

/** Another set of kinds needs another stream; it goes on after the last event, so nothing is missed between. */
function settle(): void {
  if (!running || reopen !== null) return;
  reopen = setTimeout(() => {
    reopen = null;
    if (!running || wantedKinds() === openKinds) return;
    running.abort();
    running = new AbortController();
    void run(running.signal);
  }, SETTLE_MS);
}

let openKinds = '';

function wantedKinds(): string {
  return [...listeners.keys()].filter((kind) => kind !== 'reset').sort().join(',');
}

async function run(signal: AbortSignal): Promise<void> {
  let wait_ms = BACK_OFF_MIN_MS;
  if (eventsState.get().kind === 'off') eventsState.set({ kind: 'connecting' });
  while (!signal.aborted) {
    let refused = false;
    try {
      await follow(signal, () => {
        wait_ms = BACK_OFF_MIN_MS;
        eventsState.set({ kind: 'live' });
      });
    } catch (error) {
      if (error instanceof Problem && error.code === 401) {
        loginEnded();
        return;
      }
      refused = error instanceof Problem;
    }
    if (signal.aborted) return;
    const now = eventsState.get();
    if (now.kind !== 'reconnecting') eventsState.set({ kind: 'reconnecting', since_ms: Date.now() });
    // Not all consoles at the same moment: a server that comes back has enough to do.
    await pause(wait_ms * (0.5 + Math.random() / 2), signal);
    wait_ms = Math.min(wait_ms * (refused ? 3 : 2), BACK_OFF_MAX_MS);
  }
}

/** Reads one stream to its end. */
async function follow(signal: AbortSignal, opened: () => void): Promise<void> {
  openKinds = wantedKinds();
  const query = new URLSearchParams({ kinds: openKinds });
  if (lastId !== null) query.set('after', lastId);
  const quiet = new AbortController();
  const stop = () => quiet.abort();
  signal.addEventListener('abort', stop);
  let timer = setTimeout(stop, QUIET_MS);
  try {
    const response = await send(`api/v1/events?${query}`, { signal: quiet.signal, headers: { Accept: 'text/event-stream' } });
    if (!response.body) throw Problem.unreachable();
    opened();
    if (followed && lastId === null) dispatch('reset', '');
    followed = true;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, QUIET_MS);
      for (const event of parser.take(value)) {
        if (signal.aborted) return;
        if (event.id) lastId = event.id;
        dispatch(event.kind, event.data);
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    quiet.abort();
  }
}

/** Hands an event to those who listen. Exported for replays of a day of events. */
export function dispatch(kind: string, text: string): void {
  let data: unknown = null;
  try {
    data = text === '' ? null : JSON.parse(text);
  } catch {
    return;
  }
  listeners.get(kind)?.forEach((listener) => listener(data, kind));
  const dot = kind.indexOf('.');
  if (dot > 0) listeners.get(`${kind.slice(0, dot)}.*`)?.forEach((listener) => listener(data, kind));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
