/**
 * What a page is narrowed to, kept in its address: it can be sent to somebody, and the way back finds it again. What is
 * `open` beside a table is a step of its own: the way back closes it.
 */
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useSearchParams } from 'react-router';

export type Filters<Name extends string> = Record<Name, string>;

/** Filters by name, empty where not set; and how to change some of them. `names` must be the same array each time; the function stays the same. */
export function useFilters<Name extends string>(names: readonly Name[]): [Filters<Name>, (change: Partial<Filters<Name>>) => void] {
  const [params, setParams] = useSearchParams();
  const filters = useMemo(() => Object.fromEntries(names.map((name) => [name, params.get(name) ?? ''])) as Filters<Name>, [names, params]);
  const latest = useRef({ params, setParams });
  useEffect(() => {
    latest.current = { params, setParams };
  }, [params, setParams]);
  const change = useCallback((some: Partial<Filters<Name>>) => {
    const next = new URLSearchParams(latest.current.params);
    for (const [name, value] of Object.entries<string | undefined>(some)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    if (next.toString() === latest.current.params.toString()) return;
    const open = next.get('open');
    const opens = open !== null && open !== latest.current.params.get('open');
    // The next change may come before the page is drawn anew.
    latest.current.params = next;
    latest.current.setParams(next, { replace: !opens });
  }, []);
  return [filters, change];
}
