/** Addresses to pages. Chunk and texts of a page are fetched at the same time. */
import { createBrowserRouter, matchRoutes, Navigate, type RouteObject } from 'react-router';
import { basePath } from '../api/client';
import { i18n } from './i18n';
import { places, type Place } from './pages';
import { Crashed, Guard, NotFound } from './place';
import { Shell } from './shell';

/** Where one comes who names no page. */
const HOME = 'board';

function route(place: Place): RouteObject {
  return {
    path: place.path,
    lazy: async () => {
      const [page] = await Promise.all([place.load(), i18n.loadNamespaces(place.texts)]);
      const Page = page.default;
      return { element: <Guard least={place.least}><Page /></Guard> };
    },
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
