/** Addresses to pages. Chunk and texts of a page are fetched at the same time. */
import { createBrowserRouter, Navigate, type RouteObject } from 'react-router';
import { basePath } from '../api/client';
import { i18n } from './i18n';
import { places, type Place } from './pages';
import { Crashed, Guard, NotFound } from './place';
import { Shell } from './shell';

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

export function createRouter() {
  return createBrowserRouter(
    [
      {
        element: <Shell />,
        hydrateFallbackElement: <></>,
        children: [
          { index: true, element: <Navigate to="/board" replace /> },
          ...places.map(route),
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
    { basename: basePath || '/' },
  );
}
