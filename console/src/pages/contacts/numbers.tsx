/** The numbers of a person; one that a list dials stays. */
import { ActionIcon, Button, Group, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { api, type Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { ask } from '../../parts/confirm';
import { ErrorNote } from '../../parts/error_state';
import { Icon } from '../../parts/icons';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { useSaving } from '../../parts/use_saving';
import { changed } from './api';
import css from './contact.module.css';
import { suppressedNumbers } from './do_not_call';

type ContactDetail = Thing<'ContactDetail'>;

export function Numbers({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation('contacts');
  const supervisor = useMay('supervisor');
  const form = useForm({ initialValues: { number: '' }, validate: { number: (number) => (/^\+[1-9]\d{2,14}$/.test(number.replaceAll(/[\s()./-]/g, '')) ? null : t('numberRule')) } });
  const saving = useSaving(form, ['number']);
  const blocked = suppressedNumbers(contact);
  const add = form.onSubmit(async ({ number }) => {
    const body = { number: number.replaceAll(/[\s()./-]/g, '') };
    if (!(await saving.save(() => api.POST('/api/v1/contacts/{id}/numbers', { params: { path: { id: contact.id } }, body })))) return;
    form.reset();
    await changed(contact.id);
  });
  const remove = (number: string) =>
    ask({
      title: t('removeTitle', { number }),
      text: t('removeText'),
      verb: t('remove'),
      danger: true,
      run: async () => {
        await api.DELETE('/api/v1/contacts/{id}/numbers/{number}', { params: { path: { id: contact.id, number } } });
        await changed(contact.id);
      },
    });
  return (
    <Panel title={t('numbers')}>
      <ul className={css.rows}>
        {contact.numbers.map((number) => {
          const dialled = contact.leads.some((lead) => lead.number === number);
          return (
            <li key={number} className={css.row}>
              <span className={css.line}>
                {number}
                {blocked.has(number) && <StateBadge tone="bad">{t('doNotCall')}</StateBadge>}
              </span>
              {supervisor && !dialled && contact.numbers.length > 1 && (
                <ActionIcon variant="subtle" color="gray" aria-label={t('removeNumber', { number })} onClick={() => remove(number)}><Icon name="trash" size={16} /></ActionIcon>
              )}
            </li>
          );
        })}
      </ul>
      {supervisor && (
        <form onSubmit={add} noValidate style={{ marginTop: 12 }}>
          <ErrorNote error={saving.error} faults={saving.rest} />
          <Group gap="xs" align="start" wrap="nowrap">
            <TextInput aria-label={t('newNumber')} placeholder="+12125550100" inputMode="tel" autoComplete="off" flex={1} {...form.getInputProps('number')} />
            <Button type="submit" variant="default" loading={saving.busy}>{t('add')}</Button>
          </Group>
        </form>
      )}
    </Panel>
  );
}
