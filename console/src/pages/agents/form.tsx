/** Making an agent, and changing one. */
import { Button, Group, Loader, Modal, Stack, Switch, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { keys } from '../../api/live';
import { ErrorNote, ErrorState } from '../../parts/error_state';
import { Password } from '../../parts/password';
import { tellDone } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';

interface Values {
  name: string;
  sip: string;
  auto_ready: boolean;
  skills: string[];
  password: string;
}

const KEYS = ['name', 'sip', 'auto_ready', 'skills', 'password'] as const satisfies readonly (keyof Values)[];
const NEW: Values = { name: '', sip: '', auto_ready: false, skills: [], password: '' };

/** What is another than before, as the API takes it: what somebody else changed meanwhile stays. */
export function changesOf(before: Values, now: Values): Record<string, unknown> {
  return {
    ...(now.sip !== before.sip && { sip: now.sip === '' ? null : now.sip }),
    ...(now.auto_ready !== before.auto_ready && { auto_ready: now.auto_ready }),
    ...(JSON.stringify(now.skills) !== JSON.stringify(before.skills) && { skills: now.skills }),
    ...(now.password !== '' && { password: now.password }),
  };
}

export interface AgentFormProps {
  /** Name of the one that is changed; `null`: a new one. */
  name: string | null;
  /** Skills that others have, to choose from. */
  skills: string[];
  onClose: () => void;
}

export function AgentForm({ name, skills, onClose }: AgentFormProps) {
  const { t } = useTranslation(['agents', 'common']);
  return (
    <Modal opened onClose={onClose} title={name === null ? t('form.new') : t('form.edit', { name })} closeButtonProps={{ 'aria-label': t('common:action.close') }}>
      {name === null ? <Fields values={NEW} {...{ name, skills, onClose }} /> : <Kept {...{ name, skills, onClose }} />}
    </Modal>
  );
}

/** The settings as they are kept come first. */
function Kept({ name, skills, onClose }: AgentFormProps & { name: string }) {
  const { t } = useTranslation('agents');
  const agent = useQuery({
    queryKey: keys.agent(name),
    queryFn: () => data(api.GET('/api/v1/agents/{name}', { params: { path: { name } } })),
    gcTime: 0,
  });
  if (agent.isError && !agent.data) return <ErrorState error={agent.error} onRetry={() => void agent.refetch()} />;
  if (!agent.data) return <Loader size="sm" aria-label={t('form.loading')} />;
  const settings: Partial<Thing<'AgentSettings'>> = agent.data.settings;
  const values = { ...NEW, name, sip: settings.sip ?? '', auto_ready: settings.auto_ready ?? false, skills: settings.skills ?? [] };
  return <Fields values={values} {...{ name, skills, onClose }} />;
}

function Fields({ values: first, name, skills, onClose }: AgentFormProps & { values: Values }) {
  const { t } = useTranslation(['agents', 'common']);
  const cache = useQueryClient();
  const form = useForm<Values>({ initialValues: first });
  const saving = useSaving(form, KEYS);
  const send = form.onSubmit((values) =>
    saving.save(async () => {
      const { password, sip, ...rest } = values;
      const secret = password === '' ? {} : { password };
      if (name === null) {
        const body = { ...rest, ...(sip === '' ? {} : { sip }), ...secret };
        await api.POST('/api/v1/agents', { body });
        tellDone(t('form.made', { name: values.name }));
      } else {
        const body = changesOf(form.getInitialValues(), values);
        if (Object.keys(body).length > 0) await api.PATCH('/api/v1/agents/{name}', { params: { path: { name } }, body: body as Record<string, never> });
        tellDone(t('form.saved', { name }));
      }
      onClose();
      await cache.invalidateQueries({ queryKey: keys.agents });
    }),
  );
  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <Stack gap="md">
        {name === null && <TextInput label={t('form.name')} description={t('form.nameHint')} withAsterisk autoComplete="off" data-autofocus {...form.getInputProps('name')} />}
        <TextInput label={t('form.phone')} description={t('form.phoneHint')} autoComplete="off" spellCheck={false} inputMode="url" {...form.getInputProps('sip')} />
        <TagsInput label={t('form.skills')} description={t('form.skillsHint')} data={skills} clearable {...form.getInputProps('skills')} />
        <Switch label={t('form.autoReady')} description={t('form.autoReadyHint')} {...form.getInputProps('auto_ready', { type: 'checkbox' })} />
        <Password
          label={name === null ? t('form.password') : t('form.passwordNew')}
          description={name === null ? t('form.passwordHint') : t('form.passwordKeep')}
          {...form.getInputProps('password')}
        />
        <ErrorNote error={saving.error} faults={saving.rest} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>{t('common:action.cancel')}</Button>
          <Button type="submit" loading={saving.busy}>{name === null ? t('form.make') : t('form.save')}</Button>
        </Group>
      </Stack>
    </form>
  );
}
