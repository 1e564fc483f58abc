/** What everything stands in. */
import { MantineProvider, type MantineColorSchemeManager } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import type { ReactNode } from 'react';
import { queryClient } from '../api/query';
import { confirmModals } from '../parts/confirm';
import { Told } from '../parts/told';
import { theme, variables } from './theme';

/** Names the theme that was chosen; `public/theme.js` reads the same before the page is painted. */
const THEME = 'outpace-theme';

const scheme: MantineColorSchemeManager = (() => {
  let listener: ((event: StorageEvent) => void) | null = null;
  return {
    get(fallback) {
      try {
        const kept = localStorage.getItem(THEME);
        return kept === 'light' || kept === 'dark' || kept === 'auto' ? kept : fallback;
      } catch {
        return fallback;
      }
    },
    set(value) {
      try {
        localStorage.setItem(THEME, value);
      } catch {
        // Then for this visit.
      }
    },
    subscribe(update) {
      listener = (event) => {
        if (event.key === THEME && (event.newValue === 'light' || event.newValue === 'dark' || event.newValue === 'auto')) update(event.newValue);
      };
      window.addEventListener('storage', listener);
    },
    unsubscribe() {
      if (listener) window.removeEventListener('storage', listener);
    },
    clear() {
      localStorage.removeItem(THEME);
    },
  };
})();

/** The page's policy lets styles in only with the number that came with the page. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
if (nonce) setNonce(nonce);

export function Providers({ children }: { children: ReactNode }) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      colorSchemeManager={scheme}
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <ModalsProvider modals={confirmModals}>
          {children}
          <Told />
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
