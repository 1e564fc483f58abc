/** What a person allowed, and what they took back: each with where it comes from and what proves it. */
import { Button, Group, SegmentedControl, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useTranslation } from 'react-i18next';
import { i18n } from '../../app/i18n';
import { api, type Thing } from '../../api/client';
import { ErrorNote } from '../../parts/error_state';
import { Icon } from '../../parts/icons';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { tellDone } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';
import { changed } from './api';
import css from './contact.module.css';

type ContactDetail = Thing<'ContactDetail'>;

const ID = 'consent';
const FIELDS = ['number', 'action', 'scope', 'source', 'proof'] as const;
const WORD_CHARS_MAX = 64;

export function Consents({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation('contacts');
  return (
    <Panel title={t('consents')} aside={<Button size="xs" variant="default" leftSection={<Icon name="plus" size={14} />} onClick={() => record(contact)}>{t('recordConsent')}</Button>}>
      {contact.consents.length === 0 ? (
        <div className={css.none}>{t('noConsents')}</div>
      ) : (
        <ul className={css.rows}>
          {contact.consents.map((row) => (
            <li key={row.id} className={css.row}>
              <span className={css.main}>
                <span className={css.line}>
                  <StateBadge tone={row.action === 'given' ? 'ok' : 'bad'}>{row.action === 'given' ? t('given') : t('withdrawn')}</StateBadge>
                  {scopeName(row.scope, t)}
                </span>
                <span className={css.dim}>
                  {row.number} · {row.source}
                  {row.proof && ` · ${row.proof}`}
                </span>
              </span>
              <span className={css.dim}><Moment at_us={row.at_us} /></span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function scopeName(scope: string, t: ReturnType<typeof useTranslation<'contacts'>>['t']): string {
  if (scope === 'marketing') return t('scope.marketing');
  if (scope === 'service') return t('scope.service');
  return t('scope.campaign', { name: scope });
}

function record(contact: ContactDetail): void {
  modals.open({ modalId: ID, title: i18n.t('contacts:recordConsent'), children: <Form contact={contact} /> });
}

function Form({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation(['contacts', 'common']);
  const word = (text: string) => (text.trim().length > 0 && text.trim().length <= WORD_CHARS_MAX ? null : t('contacts:wordRule'));
  const form = useForm({
    initialValues: { number: contact.numbers[0] ?? '', action: 'given' as 'given' | 'withdrawn', scope: 'marketing', source: '', proof: '' },
    validate: { scope: word, source: word },
  });
  const saving = useSaving(form, FIELDS);
  const submit = form.onSubmit(async ({ number, action, scope, source, proof }) => {
    const body = { number, action, scope: scope.trim(), source: source.trim(), proof: proof.trim() || undefined };
    if (!(await saving.save(() => api.POST('/api/v1/consents', { body })))) return;
    await changed(contact.id);
    modals.close(ID);
    tellDone(t('contacts:consentRecorded'));
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ErrorNote error={saving.error} faults={saving.rest} />
        <SegmentedControl
          fullWidth
          aria-label={t('contacts:action')}
          data={[{ value: 'given', label: t('contacts:given') }, { value: 'withdrawn', label: t('contacts:withdrawn') }]}
          {...form.getInputProps('action')}
        />
        <Select label={t('contacts:number')} data={contact.numbers} allowDeselect={false} {...form.getInputProps('number')} />
        <TextInput label={t('contacts:scopeLabel')} description={t('contacts:scopeHelp')} autoComplete="off" {...form.getInputProps('scope')} />
        <TextInput label={t('contacts:source')} description={t('contacts:sourceHelp')} autoComplete="off" data-autofocus {...form.getInputProps('source')} />
        <Textarea label={t('contacts:proof')} description={t('contacts:proofHelp')} autosize minRows={2} maxLength={4_000} {...form.getInputProps('proof')} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => modals.close(ID)}>{t('common:action.cancel')}</Button>
          <Button type="submit" loading={saving.busy}>{t('common:action.save')}</Button>
        </Group>
      </Stack>
    </form>
  );
}
