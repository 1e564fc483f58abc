/** Numbers at which calls met nobody who could be reached: a fax machine, no such number. No campaign dials them. */
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { usePages } from '../../api/pages';
import { ConfirmButton } from '../../parts/confirm';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { FilterFields } from '../../parts/filter';
import { Moment } from '../../parts/moment';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone } from '../../parts/told';
import { useFilters } from '../../parts/use_filters';
import { useTyped } from '../../parts/use_typed';
import { wanted } from './wanted';

type Marked = Thing<'Marked'>;

const KEY = ['number-marks'];
const FILTERS = ['number'] as const;

export default function MarkedNumbers() {
  const { t } = useTranslation(['marked_numbers', 'common']);
  const [filters, change] = useFilters(FILTERS);
  const [typed, setTyped] = useTyped(filters.number, useCallback((number: string) => change({ number }), [change]));
  const number = wanted(filters.number);
  const found = usePages<Marked>([...KEY, number], () => data(api.GET('/api/v1/number-marks', { params: { query: { number: number ?? undefined } } })));
  const columns: Column<Marked>[] = [
    { key: 'number', head: t('number'), width: 'minmax(150px, 1fr)', narrow: 'first', cell: (row) => <Link className="op-link" to={contactOf(row.number)}>{row.number}</Link> },
    { key: 'reason', head: t('reason'), width: 'minmax(190px, 1.5fr)', cell: (row) => <Reason code={row.reason} /> },
    { key: 'at', head: t('at'), width: '150px', cell: (row) => <Moment at_us={row.at_us} /> },
    {
      key: 'campaign', head: t('campaign'), width: 'minmax(120px, 1fr)',
      cell: (row) => (row.campaign == null ? t('gone') : <Link className="op-link" to={`/campaigns/${encodeURIComponent(row.campaign)}`}>{row.campaign}</Link>),
    },
    { key: 'call', head: t('call'), width: '120px', cell: (row) => <Link className="op-link" to={`/results?open=${row.attempt}`}>{t('seeCall')}</Link> },
    { key: 'lift', head: t('lift'), hidden: true, width: '100px', align: 'right', narrow: 'corner', cell: (row) => <Lift number={row.number} /> },
  ];
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} back={{ to: '/lists', text: t('back') }} />
      <FilterFields>
        <TextInput
          label={t('search')}
          placeholder="+12125550100"
          inputMode="tel"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          error={filters.number !== '' && number === null && t('searchRule')}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </FilterFields>
      <Panel flush>
        <DataTable
          label={t('title')}
          columns={columns}
          rows={found.rows}
          rowId={(row) => row.number}
          more={found.more}
          cut={found.cut && t('common:table.cut')}
          loading={found.loading}
          stale={found.stale}
          error={found.error}
          onRetry={found.retry}
          empty={
            number === null ? (
              <EmptyState icon="ok" title={t('none')} text={t('noneText')} />
            ) : (
              <EmptyState icon="search" title={t('notMarked')} text={t('notMarkedText')} action={<Button component={Link} to={contactOf(number)} variant="default">{t('toContact')}</Button>} />
            )
          }
        />
      </Panel>
    </>
  );
}

const contactOf = (number: string) => `/contacts?search=${encodeURIComponent(number)}`;

/** A reason that is newer than this console speaks for itself. */
function Reason({ code }: { code: string }) {
  const { t } = useTranslation('marked_numbers');
  return <>{code === 'fax' || code === 'intercept' || code === 'vacant' ? t(`reasons.${code}`) : code}</>;
}

function Lift({ number }: { number: string }) {
  const { t } = useTranslation('marked_numbers');
  const cache = useQueryClient();
  return (
    <ConfirmButton
      size="compact-sm"
      variant="default"
      aria-label={t('liftOf', { number })}
      question={{
        title: t('liftTitle', { number }),
        text: t('liftText'),
        verb: t('lift'),
        run: async () => {
          await api.DELETE('/api/v1/number-marks/{number}', { params: { path: { number } } });
          await cache.invalidateQueries({ queryKey: KEY });
          tellDone(t('lifted', { number }));
        },
      }}
    >
      {t('lift')}
    </ConfirmButton>
  );
}
