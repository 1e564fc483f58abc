/** Tokens: made, shown once, withdrawn. */
import { Button, Group, Modal, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import type { Role } from '../../api/login';
import { ask } from '../../parts/confirm';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote } from '../../parts/error_state';
import { FilterLine } from '../../parts/filter';
import { date, moment } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Panel } from '../../parts/panel';
import { Secret } from '../../parts/secret';
import { StateBadge } from '../../parts/state_badge';
import { tellDone } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';
import { RoleChoice, ROLES } from './role_choice';
import css from './access.module.css';

type TokenInfo = Thing<'TokenInfo'>;

const TOKENS = ['tokens'] as const;

export function Tokens() {
  const { t } = useTranslation(['access', 'common']);
  const cache = useQueryClient();
  const tokens = useQuery({ queryKey: TOKENS, queryFn: () => data(api.GET('/api/v1/tokens')) });
  const [withdrawn, setWithdrawn] = useState(false);
  const [making, setMaking] = useState(false);
  const all = tokens.data?.items ?? [];
  const rows = all.filter((token) => withdrawn || token.revoked_us == null);

  const withdraw = (token: TokenInfo) =>
    ask({
      title: t('tokens.withdrawTitle', { name: token.name }),
      text: t('tokens.withdrawText'),
      verb: t('tokens.withdraw'),
      danger: true,
      run: async () => {
        await api.DELETE('/api/v1/tokens/{id}', { params: { path: { id: token.id } } });
        await cache.invalidateQueries({ queryKey: TOKENS });
        tellDone(t('tokens.withdrawnDone', { name: token.name }));
      },
    });

  const columns: Column<TokenInfo>[] = [
    { key: 'name', head: t('name'), width: 'minmax(150px, 1.4fr)', narrow: 'first', cell: (token) => token.name },
    { key: 'role', head: t('role'), width: '140px', cell: (token) => <RoleName role={token.role} /> },
    {
      key: 'state',
      head: t('tokens.stateHead'),
      width: '140px',
      cell: (token) => (token.revoked_us == null ? <StateBadge tone="ok">{t('tokens.valid')}</StateBadge> : <StateBadge tone="idle">{t('tokens.withdrawn')}</StateBadge>),
    },
    { key: 'created', head: t('created'), width: '140px', cell: (token) => date(token.created_us) },
    { key: 'used', head: t('tokens.lastUsed'), width: 'minmax(170px, 1fr)', cell: (token) => (token.last_used_us == null ? t('tokens.never') : moment(token.last_used_us)) },
    {
      key: 'actions',
      head: t('actionsHead'),
      width: '120px',
      align: 'right',
      narrow: 'corner',
      cell: (token) => token.revoked_us == null && <Button size="compact-sm" variant="default" onClick={() => withdraw(token)}>{t('tokens.withdraw')}</Button>,
    },
  ];
  return (
    <Panel flush>
      <FilterLine>
        <Switch className={css.grow} label={t('tokens.all')} checked={withdrawn} onChange={(event) => setWithdrawn(event.currentTarget.checked)} />
        <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setMaking(true)}>{t('tokens.new')}</Button>
      </FilterLine>
      <DataTable
        label={t('tabs.tokens')}
        columns={columns}
        rows={rows}
        rowId={(token) => token.id}
        loading={tokens.isPending}
        error={tokens.error}
        onRetry={() => void tokens.refetch()}
        empty={<EmptyState icon="tokens" title={t('tokens.empty')} text={t('tokens.emptyText')} />}
      />
      {making && <NewToken onClose={() => setMaking(false)} />}
    </Panel>
  );
}

export function RoleName({ role }: { role: string }) {
  const { t } = useTranslation();
  const known = ROLES.find((one) => one === role);
  return <>{known ? t(`role.${known}`) : role}</>;
}

const KEYS = ['name', 'role'] as const;

function NewToken({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['access', 'common']);
  const cache = useQueryClient();
  const [made, setMade] = useState<string | null>(null);
  const form = useForm({ initialValues: { name: '', role: 'viewer' } });
  const saving = useSaving(form, KEYS);
  const send = form.onSubmit((values) =>
    saving.save(async () => {
      const token = await data(api.POST('/api/v1/tokens', { body: { name: values.name, role: values.role as Role } }));
      setMade(token.token);
      await cache.invalidateQueries({ queryKey: TOKENS });
    }),
  );
  const close = { closeButtonProps: { 'aria-label': t('common:action.close') } };
  if (made !== null) {
    // Only the button closes it: what is lost here is lost for good.
    return (
      <Modal opened onClose={onClose} closeOnClickOutside={false} closeOnEscape={false} title={t('tokens.madeTitle', { name: form.values.name })} size="lg" {...close}>
        <Stack gap="md">
          <Text size="sm">{t('tokens.madeText')}</Text>
          <Secret label={t('tokens.token')} value={made} />
          <Group justify="flex-end"><Button onClick={onClose}>{t('tokens.kept')}</Button></Group>
        </Stack>
      </Modal>
    );
  }
  return (
    <Modal opened onClose={onClose} title={t('tokens.new')} size="lg" {...close}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Stack gap="md">
          <TextInput label={t('name')} description={t('tokens.nameHint')} withAsterisk autoComplete="off" data-autofocus {...form.getInputProps('name')} />
          <RoleChoice {...form.getInputProps('role')} />
          <ErrorNote error={saving.error} faults={saving.rest} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>{t('common:action.cancel')}</Button>
            <Button type="submit" loading={saving.busy}>{t('tokens.make')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
