import { MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { createMemoryRouter, RouterProvider } from 'react-router';
import { beforeAll, expect, it } from 'vitest';
import { startTexts } from '../app/i18n';
import { confirmModals } from './confirm';
import { SETTLED, useUnsaved } from './unsaved';

beforeAll(startTexts);

function Form({ unsaved }: { unsaved: boolean }) {
  useUnsaved(unsaved);
  return <output>form</output>;
}

function start(unsaved: boolean) {
  const router = createMemoryRouter([{ path: '/form', element: <Form unsaved={unsaved} /> }, { path: '/else', element: <output>else</output> }], { initialEntries: ['/form'] });
  render(
    <MantineProvider>
      <ModalsProvider modals={confirmModals}><RouterProvider router={router} /></ModalsProvider>
    </MantineProvider>,
  );
  return router;
}

const closing = () => window.dispatchEvent(new Event('beforeunload', { cancelable: true }));
const at = (router: ReturnType<typeof start>) => router.state.location.pathname;

it('who leaves unsaved work is asked, stays when it was a slip, and goes when it was meant', async () => {
  const router = start(true);
  expect(closing()).toBe(false);
  await act(() => router.navigate('/form?tab=2'));
  expect(screen.queryByRole('dialog')).toBeNull();
  await act(() => router.navigate('/else'));
  fireEvent.click(await screen.findByRole('button', { name: 'Cancel' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect([at(router), router.state.blockers.size]).toEqual(['/form', 1]);
  await act(() => router.navigate('/else'));
  fireEvent.click(await screen.findByRole('button', { name: 'Leave without saving' }));
  await waitFor(() => expect(at(router)).toBe('/else'));
  await waitFor(() => expect(closing()).toBe(true));
});

it('nobody is asked where nothing is unsaved, or where the work itself leads on', async () => {
  const saved = start(false);
  expect(closing()).toBe(true);
  await act(() => saved.navigate('/else'));
  expect(at(saved)).toBe('/else');
  const done = start(true);
  await act(() => done.navigate('/else', { state: SETTLED }));
  expect(at(done)).toBe('/else');
});
