/** What stands where a page cannot: not allowed, not found, crashed. */
import { Button } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useRouteError } from 'react-router';
import { useMay, type Role } from '../api/login';
import { EmptyState } from '../parts/empty_state';
import { ErrorState } from '../parts/error_state';

export function Guard({ least, children }: { least: Role; children: ReactNode }) {
  return useMay(least) ? children : <Forbidden least={least} />;
}

function Forbidden({ least }: { least: Role }) {
  const { t } = useTranslation();
  useDocumentTitle(`${t('place.forbidden')} · Outpace`);
  return <EmptyState icon="lock" title={t('place.forbidden')} text={t('place.forbiddenText', { role: t(`role.${least}`) })} action={<Home />} />;
}

export function NotFound() {
  const { t } = useTranslation();
  useDocumentTitle(`${t('place.notFound')} · Outpace`);
  return <EmptyState icon="search" title={t('place.notFound')} text={t('place.notFoundText')} action={<Home />} />;
}

function Home() {
  const { t } = useTranslation();
  return <Button component={Link} to="/board" variant="default">{t('place.home')}</Button>;
}

/** A page that could not be fetched or fell over; the rest of the console goes on. */
export function Crashed() {
  const { t } = useTranslation();
  const error = useRouteError();
  useDocumentTitle(`${t('place.crashed')} · Outpace`);
  return <ErrorState error={error} onRetry={() => window.location.reload()} />;
}
