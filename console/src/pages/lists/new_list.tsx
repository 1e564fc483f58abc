/** Asks for the name of a new list and makes it. */
import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useTranslation } from 'react-i18next';
import { i18n } from '../../app/i18n';
import { api } from '../../api/client';
import { keys } from '../../api/live';
import { queryClient } from '../../api/query';
import { ErrorNote } from '../../parts/error_state';
import { useSaving } from '../../parts/use_saving';
import { LIST_NAME } from './fields';

const ID = 'new-list';

export function newList(made: (name: string) => void): void {
  modals.open({ modalId: ID, title: i18n.t('lists:make'), children: <Form made={made} /> });
}

function Form({ made }: { made: (name: string) => void }) {
  const { t } = useTranslation(['lists', 'common']);
  const form = useForm({ initialValues: { name: '' }, validate: { name: (name) => (LIST_NAME.test(name) ? null : t('lists:nameRule')) } });
  const saving = useSaving(form, ['name']);
  const send = form.onSubmit(async ({ name }) => {
    if (!(await saving.save(() => api.POST('/api/v1/lists', { body: { name } })))) return;
    void queryClient.invalidateQueries({ queryKey: keys.lists });
    modals.close(ID);
    made(name);
  });
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="md">
        <ErrorNote error={saving.error} faults={saving.rest} />
        <TextInput label={t('lists:name')} description={t('lists:nameHelp')} data-autofocus {...form.getInputProps('name')} autoComplete="off" spellCheck={false} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => modals.close(ID)}>{t('common:action.cancel')}</Button>
          <Button type="submit" loading={saving.busy}>{t('lists:make')}</Button>
        </Group>
      </Stack>
    </form>
  );
}
