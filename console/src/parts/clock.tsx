/** Things that show how long something lasts; one timer for all of them. */
import { useSyncExternalStore } from 'react';
import { clock, NONE } from './format';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let now_ms = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now_ms = Date.now();
    listeners.forEach((one) => one());
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

function read(): number {
  // Nobody ticks: the first to ask sees the true time, and who asks right after it the same.
  if (timer === null && Math.abs(Date.now() - now_ms) >= 1_000) now_ms = Date.now();
  return now_ms;
}

/** Now, a second's steps. */
export function useNow_ms(): number {
  return useSyncExternalStore(subscribe, read);
}

/** Time since a moment of the API, running; with `until_us` it stands. */
export function Since({ from_us, until_us }: { from_us: number | null | undefined; until_us?: number | null }) {
  if (from_us == null) return <>{NONE}</>;
  if (until_us != null) return <>{clock((until_us - from_us) / 1_000)}</>;
  return <Running from_us={from_us} />;
}

function Running({ from_us }: { from_us: number }) {
  return <>{clock(useNow_ms() - from_us / 1_000)}</>;
}
