/** Accounts of people and tokens of programs. */
import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { PageHeader } from '../../parts/page_header';
import { Accounts } from './accounts';
import { Tokens } from './tokens';

const TABS = ['accounts', 'tokens'] as const;

export default function AccessPage() {
  const { t } = useTranslation('access');
  const [query, setQuery] = useSearchParams();
  const tab = TABS.find((one) => one === query.get('tab')) ?? 'accounts';
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <Tabs value={tab} onChange={(next) => setQuery(next === null ? {} : { tab: next }, { replace: true })} keepMounted={false}>
        <Tabs.List aria-label={t('tabs.label')} mb="md">
          {TABS.map((one) => <Tabs.Tab key={one} value={one}>{t(`tabs.${one}`)}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="accounts"><Accounts /></Tabs.Panel>
        <Tabs.Panel value="tokens"><Tokens /></Tabs.Panel>
      </Tabs>
    </>
  );
}
