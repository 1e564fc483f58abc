/** Calls that were promised and are not kept yet, the most urgent first. */
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { useNow_ms } from '../../parts/clock';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { NONE } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';

type Callback = Thing<'Callback'>;

/** Promises have no event: they are asked for as often as somebody looks. */
const EVERY_MS = 10_000;
/** What the server gives at most. */
const ROWS_MAX = 1_000;

export default function Callbacks() {
  const { t } = useTranslation('callbacks');
  const found = useQuery({ queryKey: ['callbacks'], queryFn: () => data(api.GET('/api/v1/callbacks')), refetchInterval: EVERY_MS });
  const rows = found.data?.items ?? [];
  const columns: Column<Callback>[] = [
    { key: 'who', head: t('who'), width: 'minmax(190px, 1.5fr)', narrow: 'first', cell: (row) => <Who lead={row.lead} /> },
    { key: 'at', head: t('at'), width: '170px', cell: (row) => <Moment at_us={row.at_us} /> },
    { key: 'due', head: t('state'), width: '120px', narrow: 'corner', cell: (row) => <Due at_us={row.at_us} /> },
    { key: 'campaign', head: t('campaign'), cell: (row) => (row.campaign == null ? NONE : <Link className="op-link" to={`/campaigns/${encodeURIComponent(row.campaign)}`}>{row.campaign}</Link>) },
    { key: 'agent', head: t('agent'), cell: (row) => row.agent ?? t('anybody') },
    { key: 'note', head: t('note'), width: 'minmax(140px, 2fr)', cell: (row) => (row.note ? <span title={row.note}>{row.note}</span> : NONE) },
  ];
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} back={{ to: '/campaigns', text: t('back') }} />
      <Panel flush>
        <DataTable
          label={t('title')}
          columns={columns}
          rows={rows}
          rowId={(row) => row.id}
          loading={found.isPending}
          error={found.error}
          onRetry={() => void found.refetch()}
          cut={rows.length >= ROWS_MAX && t('cut')}
          empty={<EmptyState icon="clock" title={t('none')} text={t('noneText')} />}
        />
      </Panel>
    </>
  );
}

/** The person; asked for when the row is in sight. */
function Who({ lead }: { lead: number }) {
  const { t } = useTranslation('callbacks');
  const found = useQuery({ queryKey: ['lead', lead], queryFn: () => data(api.GET('/api/v1/leads/{id}', { params: { path: { id: lead } } })), staleTime: 60_000 });
  if (!found.data) return <>{found.isError ? t('lead', { lead }) : ''}</>;
  const name = [found.data.first_name, found.data.last_name].filter(Boolean).join(' ');
  return <Link className="op-link" to={`/contacts?search=${encodeURIComponent(found.data.number)}`}>{name ? t('named', { name, number: found.data.number }) : found.data.number}</Link>;
}

function Due({ at_us }: { at_us: number }) {
  const { t } = useTranslation('callbacks');
  return useNow_ms() * 1_000 >= at_us ? <StateBadge tone="warn">{t('due')}</StateBadge> : <StateBadge tone="idle">{t('later')}</StateBadge>;
}
