/** What results are narrowed to. The file of them has exactly the same. */
import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { keys } from '../../api/live';
import { useAgents, useCampaigns } from '../../api/things';
import { FilterFields } from '../../parts/filter';
import { spanOf, spanQuery } from '../../parts/span';
import { SpanPicker } from '../../parts/span_picker';
import type { Filters } from '../../parts/use_filters';
import { useTyped } from '../../parts/use_typed';
import { OUTCOME_CODES, useWords } from '../../parts/words';

export const FILTERS = ['tab', 'open', 'campaign', 'agent', 'outcome', 'trunk', 'number', 'span', 'from', 'to'] as const;
export type ResultFilters = Filters<(typeof FILTERS)[number]>;

/** The filters as the API wants them. CDRs have no outcome. */
export function queryOf(filters: ResultFilters, calls: boolean): Record<string, string> {
  const all: Record<string, string | undefined> = {
    campaign: filters.campaign,
    agent: filters.agent,
    outcome: calls ? undefined : filters.outcome,
    trunk: filters.trunk,
    number: filters.number,
    ...spanQuery(spanOf(filters, 'all')),
  };
  return Object.fromEntries(Object.entries(all).filter((pair): pair is [string, string] => Boolean(pair[1])));
}

interface Props {
  filters: ResultFilters;
  calls: boolean;
  onChange: (change: Partial<ResultFilters>) => void;
}

export function FilterBar({ filters, calls, onChange }: Props) {
  const { t } = useTranslation('results');
  const word = useWords();
  const campaigns = useCampaigns();
  const agents = useAgents();
  const trunks = useQuery({ queryKey: keys.trunks, queryFn: () => data(api.GET('/api/v1/trunks')) });
  const [typed, setTyped] = useTyped(filters.number, useCallback((number: string) => onChange({ number }), [onChange]));

  const choice = (name: 'campaign' | 'agent' | 'outcome' | 'trunk', choices: { value: string; label: string }[]) => (
    <Select
      label={t(`filter.${name}`)}
      // What the address names is offered even when it is gone: old records keep it.
      data={filters[name] && !choices.some((one) => one.value === filters[name]) ? [...choices, { value: filters[name], label: filters[name] }] : choices}
      value={filters[name] || null}
      onChange={(value) => onChange({ [name]: value ?? '' })}
      placeholder={t('any')}
      clearable
      clearButtonProps={{ 'aria-label': t('clear') }}
      searchable={choices.length > 8}
    />
  );
  const named = (items: { name: string }[] | undefined) => items?.map(({ name }) => ({ value: name, label: name })) ?? [];
  const set = filters.campaign || filters.agent || filters.outcome || filters.trunk || filters.number || filters.span || filters.from || filters.to;
  return (
    <FilterFields>
      <SpanPicker filters={filters} usual="all" onChange={onChange} all />
      {choice('campaign', named(campaigns.data?.items))}
      {!calls && choice('outcome', OUTCOME_CODES.map((code) => ({ value: code, label: word('outcome', code) })))}
      {choice('agent', named(agents.data?.items))}
      {choice('trunk', named(trunks.data?.items))}
      <TextInput label={t('filter.number')} placeholder="+1212555" inputMode="tel" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" />
      {set && (
        <Button
          variant="subtle"
          onClick={() => onChange({ campaign: '', agent: '', outcome: '', trunk: '', number: '', span: '', from: '', to: '' })}
        >
          {t('clearAll')}
        </Button>
      )}
    </FilterFields>
  );
}
