/** Lists that the server gives page by page, as rows for a table. */
import { keepPreviousData, useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import { useMemo } from 'react';
import { nextPage, type Page } from './client';

/** Pages that are kept of one list: with 100 rows each 10,000 rows, some 10 MB. Who wants more takes the file. */
const PAGES_MAX = 100;

export interface Rows<T, P extends Page<T> = Page<T>> {
  rows: T[];
  /** The first page, for what it says besides its rows. */
  first: P | undefined;
  loading: boolean;
  error: unknown;
  retry: () => void;
  more: { has: boolean; loading: boolean; load: () => void };
  /** These rows are of the question before; the new ones are on their way. */
  stale: boolean;
  /** There are more rows than are kept here. */
  cut: boolean;
}

/**
 * `first` fetches the first page; `key` must name all that it asks for. The list is not read anew by itself: rows that
 * jump away under the eyes help nobody.
 */
export function usePages<T, P extends Page<T> = Page<T>>(key: QueryKey, first: () => Promise<P>): Rows<T, P> {
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: '',
    queryFn: ({ pageParam }) => (pageParam === '' ? first() : (nextPage<T>(pageParam) as Promise<P>)),
    getNextPageParam: (last, pages) => (pages.length < PAGES_MAX ? last.next : null),
    // Rows of the filter before stand until the new ones are here.
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    refetchOnMount: 'always',
    refetchOnWindowFocus: false,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages]);
  return {
    rows,
    first: pages?.[0],
    loading: query.isPending,
    error: query.error,
    retry: () => void (query.isFetchNextPageError ? query.fetchNextPage() : query.refetch()),
    more: { has: query.hasNextPage, loading: query.isFetchingNextPage, load: () => void query.fetchNextPage() },
    stale: query.isPlaceholderData,
    cut: (pages?.length ?? 0) >= PAGES_MAX && pages?.at(-1)?.next != null,
  };
}
