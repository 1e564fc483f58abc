/** Leads of a list, narrowed to a state or a number. */
import { Select, TextInput } from '@mantine/core';
import { useCallback, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { usePages } from '../../api/pages';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { FilterFields } from '../../parts/filter';
import { NONE, number } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { useFilters } from '../../parts/use_filters';
import { useTyped } from '../../parts/use_typed';
import { LEAD_STATES, leadTone, useWords } from '../../parts/words';

type Lead = Thing<'Lead'>;
const FILTERS = ['state', 'number'] as const;

export function Leads({ list, empty }: { list: string; empty: ReactNode }) {
  const { t } = useTranslation(['lists', 'common']);
  const word = useWords();
  const [filters, change] = useFilters(FILTERS);
  const [typed, setTyped] = useTyped(filters.number, useCallback((number: string) => change({ number }), [change]));
  const leads = usePages<Lead>(['leads', list, filters], () =>
    data(api.GET('/api/v1/leads', { params: { query: { list, state: filters.state || undefined, number: filters.number || undefined } } })),
  );
  const name = (lead: Lead) => [lead.first_name, lead.last_name].filter(Boolean).join(' ');
  const columns: Column<Lead>[] = [
    { key: 'number', head: t('lead.number'), width: '142px', narrow: 'first', cell: (lead) => <Link className="op-link" to={`/contacts?search=${encodeURIComponent(lead.number)}`}>{lead.number}</Link> },
    { key: 'name', head: t('lead.name'), width: 'minmax(120px, 1.5fr)', cell: (lead) => name(lead) || NONE },
    { key: 'state', head: t('lead.state'), width: '106px', cell: (lead) => <StateBadge tone={leadTone(lead.state)}>{word('lead', lead.state)}</StateBadge> },
    { key: 'attempts', head: t('lead.attempts'), width: '82px', align: 'right', cell: (lead) => number(lead.attempts) },
    { key: 'outcome', head: t('lead.outcome'), width: 'minmax(110px, 1fr)', cell: (lead) => (lead.last_outcome ? word('outcome', lead.last_outcome) : NONE) },
    { key: 'last', head: t('lead.last'), width: '130px', narrow: 'hide', cell: (lead) => <Moment at_us={lead.last_attempt_us} /> },
    { key: 'next', head: t('lead.next'), width: '130px', narrow: 'hide', cell: (lead) => <Moment at_us={lead.next_us} /> },
    { key: 'zone', head: t('lead.zone'), width: 'minmax(144px, 1fr)', spare: 1, narrow: 'hide', cell: (lead) => lead.timezone ?? NONE },
  ];
  const narrowed = filters.state !== '' || filters.number !== '';
  return (
    <>
      <FilterFields>
        <Select
          label={t('lead.state')}
          data={LEAD_STATES.map((state) => ({ value: state, label: word('lead', state) }))}
          value={filters.state || null}
          onChange={(state) => change({ state: state ?? '' })}
          placeholder={t('any')}
          clearable
          clearButtonProps={{ 'aria-label': t('clear') }}
        />
        <TextInput label={t('lead.number')} placeholder="+12125550100" inputMode="tel" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" />
      </FilterFields>
      <Panel flush>
        <DataTable
          label={t('leads')}
          columns={columns}
          rows={leads.rows}
          rowId={(lead) => lead.id}
          more={leads.more}
          cut={leads.cut && t('common:table.cut')}
          loading={leads.loading}
          stale={leads.stale}
          error={leads.error}
          onRetry={leads.retry}
          empty={narrowed ? <EmptyState icon="filter" title={t('noneFit')} text={t('noneFitText')} /> : <EmptyState icon="upload" title={t('emptyList')} text={t('emptyListText')} action={empty} />}
        />
      </Panel>
    </>
  );
}
