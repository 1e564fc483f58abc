/**
 * One call that was placed to try a trunk, followed to its end.
 *
 * ```text
 *  place ──POST──> live ──events call.*, and its timeline each second──> over: stays as it was last
 * ```
 */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, data, type Thing } from '../../api/client';
import { useEvents } from '../../api/events';
import { Problem } from '../../api/problem';

export type TestedCall = Thing<'CallDetail'>;

export interface Followed {
  call: TestedCall;
  /** It has ended. */
  over: boolean;
}

const EVERY_MS = 1_000;
/** Ends of other calls that are remembered while ours is being placed: it may end before its answer is here. */
const ENDED_MAX = 200;

const isCall = (value: unknown): value is Partial<TestedCall> & { id: number } => typeof value === 'object' && value !== null && typeof (value as { id?: unknown }).id === 'number';

export function useTestCall() {
  const [followed, setFollowed] = useState<Followed | null>(null);
  const id = followed?.call.id ?? null;
  const ended = useRef(new Map<number, Partial<TestedCall>>());

  /** What is newly known: a timeline never gets shorter. */
  const learn = useCallback((news: Partial<TestedCall> & { id: number }, over: boolean) => {
    setFollowed((now) => {
      if (now === null || now.call.id !== news.id) return now;
      const timeline = (news.timeline?.length ?? 0) >= now.call.timeline.length ? (news.timeline ?? now.call.timeline) : now.call.timeline;
      return { call: { ...now.call, ...news, quality: news.quality ?? now.call.quality, timeline }, over: now.over || over };
    });
  }, []);

  useEvents(
    'call.*',
    useCallback(
      (news: unknown, kind: string) => {
        if (!isCall(news)) return;
        if (kind === 'call.ended') {
          ended.current.set(news.id, news);
          const oldest = ended.current.keys().next().value;
          if (ended.current.size > ENDED_MAX && oldest !== undefined) ended.current.delete(oldest);
        }
        learn(news, kind === 'call.ended');
      },
      [learn],
    ),
  );

  const shown = useQuery({
    queryKey: ['test-call', id],
    queryFn: async () => {
      try {
        return await data(api.GET('/api/v1/calls/{id}', { params: { path: { id: id ?? 0 } } }));
      } catch (error) {
        if (error instanceof Problem && error.code === 404) return null;
        throw error;
      }
    },
    enabled: id !== null && followed?.over === false,
    refetchInterval: EVERY_MS,
    gcTime: 0,
  });
  useEffect(() => {
    if (id === null || shown.data === undefined) return;
    if (shown.data === null) learn({ id }, true);
    else learn(shown.data, false);
  }, [id, shown.data, learn]);

  const place = async (wanted: Thing<'PlaceCall'>) => {
    const call = await data(api.POST('/api/v1/calls', { body: wanted }));
    const end = ended.current.get(call.id);
    setFollowed({ call: { ...call, timeline: [], ...end }, over: end !== undefined });
  };
  const hangUp = async () => {
    if (id === null) return;
    try {
      await api.DELETE('/api/v1/calls/{id}', { params: { path: { id } } });
    } catch (error) {
      // It ended by itself meanwhile: what was wanted is so.
      if (!(error instanceof Problem && error.code === 404)) throw error;
    }
  };
  return { followed, place, hangUp, forget: () => setFollowed(null) };
}
