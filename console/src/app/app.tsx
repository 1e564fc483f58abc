/**
 * Login or console. The login page stands at whatever address was asked for, so that after it one is where one wanted to
 * be, or was when the login ended.
 */
import { Center, Loader } from '@mantine/core';
import { lazy, Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { RouterProvider } from 'react-router/dom';
import { findLogin, loginState, WhoProvider } from '../api/login';
import { useStore } from '../api/store';
import { ErrorState } from '../parts/error_state';
import { i18n } from './i18n';
import { createRouter } from './router';

const LoginPage = lazy(async () => {
  const [page] = await Promise.all([import('../pages/login'), i18n.loadNamespaces('login')]);
  return page;
});

function Console() {
  // A new router for each login: it reads the address anew.
  const router = useMemo(createRouter, []);
  return <RouterProvider router={router} />;
}

export function App() {
  const { t } = useTranslation();
  const login = useStore(loginState);
  const waiting = <Center mih="100dvh"><Loader aria-label={t('table.loading')} /></Center>;
  if (login.kind === 'looking') return waiting;
  if (login.kind === 'unknown') return <ErrorState error={login.problem} onRetry={() => void findLogin(null)} />;
  if (login.kind === 'out') return <Suspense fallback={waiting}><LoginPage ended={login.ended} /></Suspense>;
  return (
    <WhoProvider value={login.who}>
      <Suspense fallback={waiting}><Console /></Suspense>
    </WhoProvider>
  );
}
