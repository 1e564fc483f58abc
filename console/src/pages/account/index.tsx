/** One's own account: password and logins. */
import { Button, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { logOutEverywhere, useWho } from '../../api/login';
import { ask } from '../../parts/confirm';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote } from '../../parts/error_state';
import { dateTime, moment } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Password as PasswordField } from '../../parts/password';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { tellDone, tellProblem } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';
import { browserOf } from './client';
import css from './account.module.css';

const LOGINS = ['logins'] as const;

export default function AccountPage() {
  const { t } = useTranslation(['account', 'common']);
  const who = useWho();
  return (
    <>
      <PageHeader title={t('title')} text={t('text', { name: who.name, role: t(`common:role.${who.role}`) })} />
      <Stack gap="md">
        {(who.expires_us != null || who.agent != null) && (
          <Text size="sm" c="dimmed">
            {who.agent != null && <>{t('agent', { agent: who.agent })} </>}
            {who.expires_us != null && t('ends', { at: dateTime(who.expires_us) })}
          </Text>
        )}
        <Panel title={t('password.title')} aside={who.kind === 'account' && t('password.text')}>
          {who.kind === 'account' ? <Password /> : <Text size="sm" c="dimmed">{t('ofToken', { name: who.name })}</Text>}
        </Panel>
        <Logins />
      </Stack>
    </>
  );
}

const KEYS = ['old', 'new', 'again'] as const;

function Password() {
  const { t } = useTranslation('account');
  const who = useWho();
  const cache = useQueryClient();
  const form = useForm({ initialValues: { old: '', new: '', again: '' } });
  const saving = useSaving(form, KEYS);
  const send = form.onSubmit(async (values) => {
    if (values.new !== values.again) {
      form.setErrors({ again: t('password.differ') });
      form.getInputNode('again')?.focus();
      return;
    }
    const done = await saving.save(() => api.POST('/api/v1/account/password', { body: { old: values.old, new: values.new } }));
    if (!done) return;
    form.reset();
    tellDone(t('password.done'));
    await cache.invalidateQueries({ queryKey: LOGINS });
  });
  return (
    <form onSubmit={send} noValidate>
      {/* Password managers want to know whose password it is. */}
      <input type="text" autoComplete="username" value={who.name} readOnly hidden />
      <Stack gap="md" maw={380}>
        <PasswordField label={t('password.old')} autoComplete="current-password" {...form.getInputProps('old')} />
        <PasswordField label={t('password.new')} description={t('password.newHint')} {...form.getInputProps('new')} />
        <PasswordField label={t('password.again')} {...form.getInputProps('again')} />
        <ErrorNote error={saving.error} faults={saving.rest} />
        <div><Button type="submit" loading={saving.busy} disabled={form.values.old === '' || form.values.new === ''}>{t('password.save')}</Button></div>
      </Stack>
    </form>
  );
}

function Logins() {
  const { t } = useTranslation('account');
  const cache = useQueryClient();
  const logins = useQuery({ queryKey: LOGINS, queryFn: () => data(api.GET('/api/v1/logins')) });
  const nameOf = (client: string) => {
    const { browser, system } = browserOf(client);
    if (browser === null) return t('logins.unknown');
    return system === null ? browser : t('logins.browserOn', { browser, system });
  };
  const end = async (id: number) => {
    try {
      await api.DELETE('/api/v1/logins/{id}', { params: { path: { id } } });
      tellDone(t('logins.ended'));
    } catch (problem) {
      tellProblem(problem);
    }
    await cache.invalidateQueries({ queryKey: LOGINS });
  };
  const everywhere = () => ask({ title: t('logins.allTitle'), text: t('logins.allText'), verb: t('logins.all'), danger: true, run: logOutEverywhere });
  const columns: Column<Thing<'LoginInfo'>>[] = [
    {
      key: 'browser',
      head: t('logins.browser'),
      width: 'minmax(220px, 1.6fr)',
      narrow: 'first',
      cell: (login) => (
        <span className={css.browser} title={login.client}>
          {nameOf(login.client)}
          {login.current && <StateBadge tone="ok">{t('logins.here')}</StateBadge>}
        </span>
      ),
    },
    { key: 'since', head: t('logins.since'), width: 'minmax(170px, 1fr)', cell: (login) => moment(login.created_us) },
    { key: 'used', head: t('logins.lastUsed'), width: 'minmax(170px, 1fr)', cell: (login) => moment(login.last_used_us) },
    {
      key: 'end',
      head: t('logins.actions'),
      width: '120px',
      align: 'right',
      narrow: 'corner',
      cell: (login) =>
        !login.current && (
          <Button size="compact-sm" variant="default" aria-label={t('logins.endLabel', { browser: nameOf(login.client), at: moment(login.last_used_us) })} onClick={() => void end(login.id)}>
            {t('logins.end')}
          </Button>
        ),
    },
  ];
  return (
    <Panel
      title={t('logins.title')}
      flush
      aside={<Button size="compact-sm" color="red" variant="outline" leftSection={<Icon name="leave" size={14} />} onClick={everywhere}>{t('logins.all')}</Button>}
    >
      <DataTable
        label={t('logins.title')}
        columns={columns}
        rows={logins.data?.items ?? []}
        rowId={(login) => login.id}
        loading={logins.isPending}
        error={logins.error}
        onRetry={() => void logins.refetch()}
        empty={<EmptyState icon="lock" title={t('logins.none')} text={t('logins.noneText')} />}
      />
    </Panel>
  );
}
