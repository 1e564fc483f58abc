/** Addresses to pages. Chunk and texts of a page are fetched at the same time. */
import type { ComponentType } from 'react';
import { createBrowserRouter, matchRoutes, Navigate, type RouteObject } from 'react-router';
import { basePath } from '../api/client';
import { Problem } from '../api/problem';
import { i18n } from './i18n';
import { places, type Place } from './pages';
import { Crashed, Guard, NotFound } from './place';
import { Shell } from './shell';

/** Where one comes who names no page. */
const HOME = 'board';

/** Why a page cannot be fetched: nobody answers, or a newer server has newer pages under other names. */
async function whyNotFetched(): Promise<Problem> {
  const answers = await fetch(`${basePath}/`, { cache: 'no-store' }).then((response) => response.ok, () => false);
  return answers ? new Problem('stale', '', 0, '') : Problem.unreachable();
}

/** By a loader: a `lazy` that fails leaves its route without page and without error. */
function route(place: Place): RouteObject {
  let Page: ComponentType | null = null;
  const Fetched = () => Page && <Page />;
  return {
    path: place.path,
    loader: async () => {
      const [page] = await Promise.all([place.load(), i18n.loadNamespaces(place.texts)]).catch(async () => {
        throw await whyNotFetched();
      });
      Page = page.default;
      return null;
    },
    // What was fetched stays.
    shouldRevalidate: () => false,
    element: <Guard least={place.least}><Fetched /></Guard>,
    errorElement: <Crashed />,
  };
}

/**
 * Begins to fetch the page that the address names, while it is being found out who is here. Who is let in does not wait
 * for it then; a page that cannot be fetched is told by the route, which asks for it again.
 */
export function fetchAhead(): void {
  const { pathname } = window.location;
  const named = matchRoutes(places.map(({ path }) => ({ path })), pathname, basePath || '/')?.at(-1)?.route.path;
  const place = places.find(({ path }) => path === (named ?? HOME));
  if (place) void place.load().catch(() => {});
}

export function createRouter() {
  return createBrowserRouter(
    [
      {
        element: <Shell />,
        hydrateFallbackElement: <></>,
        children: [
          { index: true, element: <Navigate to={`/${HOME}`} replace /> },
          ...places.map(route),
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
    { basename: basePath || '/' },
  );
}
