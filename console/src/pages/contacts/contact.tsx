/** One person: who, on which numbers, what they allowed, and each attempt with its reasons. */
import { Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { api, data } from '../../api/client';
import { useMay } from '../../api/login';
import { useNow_ms } from '../../parts/clock';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { NONE, timeThere } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Pairs } from '../../parts/pairs';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { contactKey, fullName } from './api';
import { Attempts } from './attempts';
import css from './contact.module.css';
import { Consents } from './consents';
import { DoNotCall, suppress, suppressedNumbers } from './do_not_call';
import { editPerson } from './edit';
import { Numbers } from './numbers';
import { OnLists } from './on_lists';

export default function ContactPage() {
  const { t } = useTranslation('contacts');
  const id = Number(useParams().id);
  const supervisor = useMay('supervisor');
  const back = { to: '/contacts', text: t('title') };
  const known = Number.isSafeInteger(id) && id > 0;
  const found = useQuery({ queryKey: contactKey(id), queryFn: () => data(api.GET('/api/v1/contacts/{id}', { params: { path: { id } } })), enabled: known });
  const contact = found.data;
  if (!known) return <EmptyState icon="search" title={t('nobody')} text={t('nobodyText')} />;
  if (!contact) {
    return (
      <>
        <PageHeader title={t('contact')} back={back} />
        <Panel>{found.error ? <ErrorState error={found.error} onRetry={() => void found.refetch()} /> : <div role="status">{t('looking')}</div>}</Panel>
      </>
    );
  }
  const name = fullName(contact);
  return (
    <>
      <PageHeader
        title={name || contact.numbers[0] || t('noName')}
        mark={contact.do_not_call && <StateBadge tone="bad">{t('doNotCall')}</StateBadge>}
        back={back}
        actions={suppressedNumbers(contact).size < contact.numbers.length && <Button variant="default" leftSection={<Icon name="stop" size={16} />} onClick={() => suppress(contact)}>{t('putOn')}</Button>}
      />
      <div className={css.columns}>
        <Stack gap="md">
          <Panel
            title={t('person')}
            aside={supervisor && <Button size="xs" variant="default" leftSection={<Icon name="edit" size={14} />} onClick={() => editPerson(contact)}>{t('edit')}</Button>}
          >
            <Pairs
              of={[
                [t('firstName'), contact.first_name || NONE],
                [t('lastName'), contact.last_name || NONE],
                [t('externalId'), contact.external_id || NONE],
                [t('zone'), contact.timezone || t('zoneByNumber')],
                [t('clockThere'), contact.timezone ? <ClockThere zone={contact.timezone} /> : null],
              ]}
            />
          </Panel>
          <Numbers contact={contact} />
          <OnLists leads={contact.leads} />
        </Stack>
        <Stack gap="md">
          <DoNotCall contact={contact} />
          <Consents contact={contact} />
          <Attempts contact={contact} />
        </Stack>
      </div>
    </>
  );
}

function ClockThere({ zone }: { zone: string }) {
  return <>{timeThere(useNow_ms() * 1_000, zone) ?? NONE}</>;
}
