/** Accounts: made, given another role or password, disabled, deleted. */
import { ActionIcon, Button, Group, Menu, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { useWho, type Role } from '../../api/login';
import { useAgents } from '../../api/things';
import { ask } from '../../parts/confirm';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote } from '../../parts/error_state';
import { FilterLine } from '../../parts/filter';
import { date, moment, NONE } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Password } from '../../parts/password';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { tellDone, tellProblem } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';
import { RoleChoice } from './role_choice';
import { RoleName } from './tokens';
import css from './access.module.css';

type AccountInfo = Thing<'AccountInfo'>;
type Changes = Thing<'AccountChanges'>;
type Form = { kind: 'new' } | { kind: 'role' | 'password'; account: AccountInfo };

const ACCOUNTS = ['accounts'] as const;

export function Accounts() {
  const { t } = useTranslation(['access', 'common']);
  const who = useWho();
  const cache = useQueryClient();
  const accounts = useQuery({ queryKey: ACCOUNTS, queryFn: () => data(api.GET('/api/v1/accounts')) });
  const [form, setForm] = useState<Form | null>(null);
  const all = accounts.data?.items ?? [];

  const change = async (name: string, body: Changes) => {
    await api.PATCH('/api/v1/accounts/{name}', { params: { path: { name } }, body });
    await cache.invalidateQueries({ queryKey: ACCOUNTS });
  };
  const disable = ({ name }: AccountInfo) =>
    ask({
      title: t('accounts.disableTitle', { name }),
      text: t('accounts.disableText'),
      verb: t('accounts.disable'),
      danger: true,
      run: async () => {
        await change(name, { disabled: true });
        tellDone(t('accounts.disabledDone', { name }));
      },
    });
  const enable = ({ name }: AccountInfo) => change(name, { disabled: false }).then(() => tellDone(t('accounts.enabledDone', { name })), tellProblem);
  const remove = ({ name }: AccountInfo) =>
    ask({
      title: t('accounts.deleteTitle', { name }),
      text: t('accounts.deleteText'),
      verb: t('accounts.delete'),
      danger: true,
      run: async () => {
        await api.DELETE('/api/v1/accounts/{name}', { params: { path: { name } } });
        await cache.invalidateQueries({ queryKey: ACCOUNTS });
        tellDone(t('accounts.deleted', { name }));
      },
    });

  const columns: Column<AccountInfo>[] = [
    {
      key: 'name',
      head: t('name'),
      width: 'minmax(150px, 1.4fr)',
      narrow: 'first',
      cell: (account) => <>{account.name}{who.kind === 'account' && who.name === account.name && <span className={css.you}> ({t('accounts.you')})</span>}</>,
    },
    { key: 'role', head: t('role'), width: '140px', cell: (account) => <RoleName role={account.role} /> },
    { key: 'agent', head: t('accounts.agent'), cell: (account) => account.agent ?? NONE },
    {
      key: 'state',
      head: t('accounts.stateHead'),
      width: '120px',
      cell: (account) => <StateBadge tone={account.disabled ? 'idle' : 'ok'}>{account.disabled ? t('accounts.disabled') : t('accounts.open')}</StateBadge>,
    },
    { key: 'created', head: t('created'), width: '130px', cell: (account) => date(account.created_us) },
    { key: 'login', head: t('accounts.lastLogin'), width: 'minmax(170px, 1fr)', cell: (account) => (account.last_login_us == null ? t('accounts.never') : moment(account.last_login_us)) },
    {
      key: 'actions',
      head: t('actionsHead'),
      width: '84px',
      align: 'right',
      narrow: 'corner',
      cell: (account) => (
        <Menu position="bottom-end" width={220}>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('actions', { name: account.name })}><Icon name="more" /></ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Icon name="edit" size={16} />} onClick={() => setForm({ kind: 'role', account })}>{t('accounts.edit')}</Menu.Item>
            <Menu.Item leftSection={<Icon name="tokens" size={16} />} onClick={() => setForm({ kind: 'password', account })}>{t('accounts.reset')}</Menu.Item>
            <Menu.Item leftSection={<Icon name="lock" size={16} />} onClick={() => (account.disabled ? void enable(account) : disable(account))}>
              {account.disabled ? t('accounts.enable') : t('accounts.disable')}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="trash" size={16} />} onClick={() => remove(account)}>{t('common:action.delete')}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];
  const make = <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setForm({ kind: 'new' })}>{t('accounts.new')}</Button>;
  return (
    <Panel flush>
      {all.length > 0 && <FilterLine><span className={css.grow} />{make}</FilterLine>}
      <DataTable
        label={t('tabs.accounts')}
        columns={columns}
        rows={all}
        rowId={(account) => account.name}
        loading={accounts.isPending}
        error={accounts.error}
        onRetry={() => void accounts.refetch()}
        empty={<EmptyState icon="account" title={t('accounts.empty')} text={t('accounts.emptyText')} action={make} />}
      />
      {form?.kind === 'new' && <NewAccount onClose={() => setForm(null)} />}
      {form?.kind === 'role' && <ChangeRole account={form.account} change={change} onClose={() => setForm(null)} />}
      {form?.kind === 'password' && <NewPassword account={form.account} change={change} onClose={() => setForm(null)} />}
    </Panel>
  );
}

const KEYS = ['name', 'password', 'role', 'agent'] as const;

function NewAccount({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['access', 'common']);
  const cache = useQueryClient();
  const agents = useAgents();
  const form = useForm({ initialValues: { name: '', password: '', role: 'supervisor', agent: null as string | null } });
  const saving = useSaving(form, KEYS);
  const send = form.onSubmit((values) =>
    saving.save(async () => {
      const { agent, role, ...rest } = values;
      await api.POST('/api/v1/accounts', { body: { ...rest, role: role as Role, ...(agent === null ? {} : { agent }) } });
      tellDone(t('accounts.made', { name: values.name }));
      onClose();
      await cache.invalidateQueries({ queryKey: ACCOUNTS });
    }),
  );
  return (
    <Modal opened onClose={onClose} title={t('accounts.new')} size="lg" closeButtonProps={{ 'aria-label': t('common:action.close') }}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Stack gap="md">
          <TextInput label={t('name')} description={t('nameHint')} withAsterisk autoComplete="off" autoCapitalize="none" spellCheck={false} data-autofocus {...form.getInputProps('name')} />
          <Password
            label={t('accounts.password')}
            description={t('accounts.passwordHint')}
            withAsterisk
            {...form.getInputProps('password')}
          />
          <RoleChoice {...form.getInputProps('role')} />
          <Select
            label={t('accounts.agent')}
            description={t('accounts.agentHint')}
            placeholder={t('accounts.agentNone')}
            searchable
            clearable
            data={(agents.data?.items ?? []).map((agent) => agent.name)}
            {...form.getInputProps('agent')}
          />
          <ErrorNote error={saving.error} faults={saving.rest} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>{t('common:action.cancel')}</Button>
            <Button type="submit" loading={saving.busy}>{t('accounts.make')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface ChangeProps {
  account: AccountInfo;
  change: (name: string, body: Changes) => Promise<void>;
  onClose: () => void;
}

function ChangeRole({ account, change, onClose }: ChangeProps) {
  const { t } = useTranslation(['access', 'common']);
  const form = useForm({ initialValues: { role: account.role } });
  const saving = useSaving(form, ['role']);
  const send = form.onSubmit((values) =>
    saving.save(async () => {
      await change(account.name, { role: values.role as Role });
      tellDone(t('accounts.roleSaved', { name: account.name }));
      onClose();
    }),
  );
  return (
    <Modal opened onClose={onClose} title={t('accounts.editTitle', { name: account.name })} size="lg" closeButtonProps={{ 'aria-label': t('common:action.close') }}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Stack gap="md">
          <RoleChoice {...form.getInputProps('role')} />
          <Text size="sm" c="dimmed">{t('accounts.roleNote')}</Text>
          <ErrorNote error={saving.error} faults={saving.rest} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>{t('common:action.cancel')}</Button>
            <Button type="submit" loading={saving.busy} disabled={form.values.role === account.role}>{t('accounts.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function NewPassword({ account, change, onClose }: ChangeProps) {
  const { t } = useTranslation(['access', 'common']);
  const form = useForm({ initialValues: { password: '' } });
  const saving = useSaving(form, ['password']);
  const send = form.onSubmit((values) =>
    saving.save(async () => {
      await change(account.name, values);
      tellDone(t('accounts.resetDone', { name: account.name }));
      onClose();
    }),
  );
  return (
    <Modal opened onClose={onClose} title={t('accounts.resetTitle', { name: account.name })} closeButtonProps={{ 'aria-label': t('common:action.close') }}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Stack gap="md">
          <Password
            label={t('accounts.passwordNew')}
            description={t('accounts.passwordHint')}
            data-autofocus
            {...form.getInputProps('password')}
          />
          <Text size="sm" c="dimmed">{t('accounts.roleNote')}</Text>
          <ErrorNote error={saving.error} faults={saving.rest} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>{t('common:action.cancel')}</Button>
            <Button type="submit" loading={saving.busy}>{t('accounts.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
