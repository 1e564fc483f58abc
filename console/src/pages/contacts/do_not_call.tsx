/** Who must not be called: put on with a reason, lifted after a question. Nothing is erased: each is a row of its own. */
import { Button, Checkbox, Group, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useTranslation } from 'react-i18next';
import { i18n } from '../../app/i18n';
import { api, type Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { ConfirmButton } from '../../parts/confirm';
import { ErrorNote } from '../../parts/error_state';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { tellDone } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';
import { changed } from './api';
import css from './contact.module.css';

type ContactDetail = Thing<'ContactDetail'>;
type SuppressionEntry = Thing<'Suppression'>;

const ID = 'do-not-call';

/** Numbers that no campaign may dial now. Rows come latest first; the latest one of a number counts. */
export function suppressedNumbers(contact: ContactDetail, now_us = Date.now() * 1_000): Set<string> {
  const latest = new Map<string, SuppressionEntry>();
  for (const row of contact.suppressions) if (row.campaign == null && !latest.has(row.number)) latest.set(row.number, row);
  return new Set([...latest.values()].filter((row) => row.action === 'suppressed' && (row.until_us == null || row.until_us > now_us)).map((row) => row.number));
}

export function DoNotCall({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation('contacts');
  const supervisor = useMay('supervisor');
  if (contact.suppressions.length === 0) return null;
  const blocked = [...suppressedNumbers(contact)];
  return (
    <Panel title={t('doNotCall')}>
      <ul className={css.rows}>
        {blocked.map((number) => (
          <li key={number} className={css.row}>
            <span className={css.line}>
              <StateBadge tone="bad">{t('mustNot')}</StateBadge> {number}
            </span>
            {supervisor && (
              <ConfirmButton
                size="xs"
                variant="default"
                question={{
                  title: t('liftTitle', { number }),
                  text: t('liftText'),
                  verb: t('lift'),
                  danger: true,
                  run: async () => {
                    await api.DELETE('/api/v1/do-not-call/{number}', { params: { path: { number } } });
                    await changed(contact.id);
                    tellDone(t('lifted', { number }));
                  },
                }}
              >
                {t('lift')}
              </ConfirmButton>
            )}
          </li>
        ))}
        {contact.suppressions.map((row) => (
          <li key={row.id} className={css.row}>
            <span className={css.main}>
              <span>
                {row.action === 'suppressed' ? t('wasPutOn', { number: row.number }) : t('wasLifted', { number: row.number })}
                {row.campaign != null && ` · ${t('onlyCampaign', { campaign: row.campaign })}`}
              </span>
              <span className={css.dim}>
                <Moment at_us={row.at_us} /> · {row.source}{row.reason && ` · ${row.reason}`}
                {row.until_us != null && <> · {t('until')} <Moment at_us={row.until_us} /></>}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Asks for numbers and a reason, and puts them on the set. */
export function suppress(contact: ContactDetail): void {
  modals.open({ modalId: ID, title: i18n.t('contacts:putOnTitle'), children: <Form contact={contact} /> });
}

function Form({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation(['contacts', 'common']);
  const blocked = suppressedNumbers(contact);
  const open = contact.numbers.filter((number) => !blocked.has(number));
  const form = useForm({
    initialValues: { numbers: open, reason: t('contacts:reasonUsual') },
    validate: {
      numbers: (numbers) => (numbers.length > 0 ? null : t('contacts:chooseNumber')),
      reason: (reason) => (reason.trim().length > 0 && reason.trim().length <= 64 ? null : t('contacts:reasonRule')),
    },
  });
  const saving = useSaving(form, ['numbers', 'reason']);
  const submit = form.onSubmit(async ({ numbers, reason }) => {
    const done = await saving.save(async () => {
      for (const number of numbers) await api.POST('/api/v1/do-not-call', { body: { number, reason: reason.trim() } });
    });
    // Some of them may be on it even when one was refused.
    await changed(contact.id);
    if (!done) return;
    modals.close(ID);
    tellDone(t('contacts:isOn', { count: numbers.length }));
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <div className={css.dim}>{t('contacts:putOnText')}</div>
        <ErrorNote error={saving.error} faults={saving.rest} />
        <Checkbox.Group label={t('contacts:numbers')} {...form.getInputProps('numbers')}>
          <Stack gap="xs" mt="xs">
            {open.map((number) => <Checkbox key={number} value={number} label={number} />)}
          </Stack>
        </Checkbox.Group>
        <TextInput label={t('contacts:reason')} data-autofocus autoComplete="off" {...form.getInputProps('reason')} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => modals.close(ID)}>{t('common:action.cancel')}</Button>
          <Button type="submit" color="red" loading={saving.busy}>{t('contacts:putOn')}</Button>
        </Group>
      </Stack>
    </form>
  );
}
