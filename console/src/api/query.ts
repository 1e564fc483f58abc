/** The cache of what was read from the API. Live things are kept true by events, see live.ts. */
import { QueryClient } from '@tanstack/react-query';
import { Problem } from './problem';

/** Tries before a failed read is shown, when it may be the network's fault. */
const TRIES_MAX = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 5 * 60_000,
      // What the server says is no is no; what it cannot say now it may say in a moment.
      retry: (failures, error) => failures < TRIES_MAX && (!(error instanceof Problem) || error.code === 0 || error.code >= 500),
      refetchOnWindowFocus: true,
    },
  },
});
