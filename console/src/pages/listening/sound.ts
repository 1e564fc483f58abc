/**
 * Plays what was kept of a call. Each time it is fetched stands in the audit log, so it is fetched once while one listens to
 * a call; the browser's own decoder reads it, and the clock of its output says where the sound is.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { send } from '../../api/client';

export interface Sound {
  /** Where it is, in milliseconds; `null`: it does not play. */
  at_ms: number | null;
  loading: boolean;
  error: unknown;
  /** Plays from the start, or stops. */
  toggle: () => void;
}

interface Playing {
  context: AudioContext;
  source: AudioBufferSourceNode;
  begun_s: number;
}

/** `path` is the address of a WAV, `null` where none was kept. */
export function useSound(path: string | null): Sound {
  const [at_ms, setAt] = useState<number | null>(null);
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const playing = useRef<Playing | null>(null);
  const kept = useRef<{ path: string; bytes: ArrayBuffer } | null>(null);
  /** The call that is in sight: what arrives for another one is not played. */
  const wanted = useRef(path);

  const stop = useCallback(() => {
    const now = playing.current;
    playing.current = null;
    setAt(null);
    if (!now) return;
    now.source.onended = null;
    now.source.stop();
    void now.context.close();
  }, []);

  useEffect(() => {
    wanted.current = path;
    setError(null);
    setLoading(false);
    return stop;
  }, [path, stop]);

  useEffect(() => {
    if (at_ms === null) return;
    const frame = requestAnimationFrame(() => {
      const now = playing.current;
      if (now) setAt((now.context.currentTime - now.begun_s) * 1_000);
    });
    return () => cancelAnimationFrame(frame);
  }, [at_ms]);

  const play = useCallback(async () => {
    if (path === null) return;
    // Made while the key is down: browsers let sound begin only then.
    const context = new AudioContext();
    setLoading(true);
    setError(null);
    try {
      if (kept.current?.path !== path) kept.current = { path, bytes: await (await send(path)).arrayBuffer() };
      // Decoding takes the bytes away.
      const buffer = await context.decodeAudioData(kept.current.bytes.slice(0));
      if (wanted.current !== path) {
        void context.close();
        return;
      }
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(context.destination);
      source.onended = stop;
      source.start();
      playing.current = { context, source, begun_s: context.currentTime };
      setAt(0);
    } catch (problem) {
      void context.close();
      if (wanted.current === path) setError(problem);
    } finally {
      if (wanted.current === path) setLoading(false);
    }
  }, [path, stop]);

  const toggle = useCallback(() => {
    if (playing.current) stop();
    // A second press while it is fetched is no second sound.
    else if (!loading) void play();
  }, [play, stop, loading]);
  return { at_ms, loading, error, toggle };
}
