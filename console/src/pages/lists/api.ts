/** What the pages of lists ask the server for. */
import { useQuery } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import { eventsState } from '../../api/events';
import { keys } from '../../api/live';
import { useStore } from '../../api/store';

/** Events tell of each step; this is for a stream that is down or has nothing to say of the last one. */
const LOOK_MS = 10_000;
const LOOK_ALONE_MS = 2_000;

/** It has not ended. */
export const underWay = (item: { state: string }) => item.state === 'running' || item.state === 'paused';

export function useList(name: string) {
  return useQuery({ queryKey: keys.list(name), queryFn: () => data(api.GET('/api/v1/lists/{name}', { params: { path: { name } } })) });
}

/** The latest imports of all lists: one page, which is what people look back to. */
export function useImports() {
  return useQuery({
    queryKey: keys.imports,
    queryFn: () => data(api.GET('/api/v1/imports', { params: { query: { limit: 200 } } })),
    refetchInterval: (query) => (query.state.data?.items.some(underWay) ? LOOK_MS : false),
  });
}

export function useImport(id: number) {
  const live = useStore(eventsState).kind === 'live';
  return useQuery({
    queryKey: keys.import(id),
    queryFn: () => data(api.GET('/api/v1/imports/{id}', { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data && underWay(query.state.data) ? (live ? LOOK_MS : LOOK_ALONE_MS) : false),
  });
}
