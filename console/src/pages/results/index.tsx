/** What was dialled and what was answered, newest first, narrowed by the address and given as a file. */
import { Button, Tabs } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { address } from '../../api/client';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { useFilters } from '../../parts/use_filters';
import { AttemptRows } from './attempts';
import { CallRows } from './calls';
import { FilterBar, FILTERS, queryOf } from './filters';

export default function Results() {
  const { t } = useTranslation('results');
  const client = useQueryClient();
  const [filters, change] = useFilters(FILTERS);
  const calls = filters.tab === 'calls';
  const query = queryOf(filters, calls);
  const file = address(`api/v1/${calls ? 'cdrs' : 'attempts'}?${new URLSearchParams({ ...query, order: 'desc', format: 'csv' })}`);
  return (
    <>
      <PageHeader
        title={t('title')}
        text={t('text')}
        actions={
          <>
            <Button variant="default" leftSection={<Icon name="refresh" size={16} />} onClick={() => void client.invalidateQueries({ queryKey: ['results'] })}>{t('refresh')}</Button>
            <Button variant="default" component="a" href={file} download leftSection={<Icon name="download" size={16} />}>{t('export')}</Button>
          </>
        }
      />
      <Tabs value={calls ? 'calls' : 'attempts'} onChange={(tab) => change({ tab: tab === 'calls' ? 'calls' : '', open: '' })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="attempts">{t('attempts')}</Tabs.Tab>
          <Tabs.Tab value="calls">{t('calls')}</Tabs.Tab>
        </Tabs.List>
        <FilterBar filters={filters} calls={calls} onChange={change} />
        <Tabs.Panel value="attempts"><AttemptRows query={query} open={filters.open} onOpen={(open) => change({ open })} /></Tabs.Panel>
        <Tabs.Panel value="calls"><CallRows query={query} open={filters.open} onOpen={(open) => change({ open })} /></Tabs.Panel>
      </Tabs>
    </>
  );
}
