import { act, render, screen } from '@testing-library/react';
import { createMemoryRouter, RouterProvider } from 'react-router';
import { expect, it } from 'vitest';
import { useFilters } from './use_filters';

const NAMES = ['state', 'open'] as const;
let change: ReturnType<typeof useFilters<(typeof NAMES)[number]>>[1];

function Page() {
  const [filters, set] = useFilters(NAMES);
  change = set;
  return <output>{`${filters.state} ${filters.open}`}</output>;
}

it('what was opened is closed by the way back, which does not stop at each filter', async () => {
  const router = createMemoryRouter([{ path: '/', element: <Page /> }, { path: '/before', element: <output>before</output> }], { initialEntries: ['/before', '/'] });
  render(<RouterProvider router={router} />);
  const shown = () => screen.getByRole('status').textContent;
  await act(async () => change({ state: 'busy' }));
  await act(async () => change({ open: '7' }));
  expect(shown()).toBe('busy 7');
  await act(() => router.navigate(-1));
  expect(shown()).toBe('busy ');
  await act(() => router.navigate(-1));
  expect(shown()).toBe('before');
});
