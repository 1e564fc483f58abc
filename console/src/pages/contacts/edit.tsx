/** Who the person is. What is emptied is emptied on the server too. */
import { Autocomplete, Button, Group, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useTranslation } from 'react-i18next';
import { i18n } from '../../app/i18n';
import { api, type Thing } from '../../api/client';
import { ErrorNote } from '../../parts/error_state';
import { useSaving } from '../../parts/use_saving';
import { changed } from './api';

type ContactDetail = Thing<'ContactDetail'>;

const ID = 'edit-person';
const FIELDS = ['first_name', 'last_name', 'timezone', 'external_id'] as const;

export function editPerson(contact: ContactDetail): void {
  modals.open({ modalId: ID, title: i18n.t('contacts:editTitle'), children: <Form contact={contact} /> });
}

function Form({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation(['contacts', 'common']);
  const form = useForm({ initialValues: Object.fromEntries(FIELDS.map((field) => [field, contact[field] ?? ''])) as Record<(typeof FIELDS)[number], string> });
  const saving = useSaving(form, FIELDS);
  const submit = form.onSubmit(async (values) => {
    const changes = FIELDS.filter((field) => values[field].trim() !== (contact[field] ?? '')).map((field) => [field, values[field].trim() || null]);
    if (changes.length > 0) {
      const request = { params: { path: { id: contact.id } }, body: Object.fromEntries(changes) as Thing<'ContactPatch'> };
      if (!(await saving.save(() => api.PATCH('/api/v1/contacts/{id}', request)))) return;
      await changed(contact.id);
    }
    modals.close(ID);
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ErrorNote error={saving.error} faults={saving.rest} />
        <TextInput label={t('contacts:firstName')} data-autofocus autoComplete="off" {...form.getInputProps('first_name')} />
        <TextInput label={t('contacts:lastName')} autoComplete="off" {...form.getInputProps('last_name')} />
        <Autocomplete label={t('contacts:zone')} description={t('contacts:zoneHelp')} data={Intl.supportedValuesOf('timeZone')} limit={20} autoComplete="off" {...form.getInputProps('timezone')} />
        <TextInput label={t('contacts:externalId')} description={t('contacts:externalIdHelp')} autoComplete="off" {...form.getInputProps('external_id')} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => modals.close(ID)}>{t('common:action.cancel')}</Button>
          <Button type="submit" loading={saving.busy}>{t('common:action.save')}</Button>
        </Group>
      </Stack>
    </form>
  );
}
