/** Attempts as rows; one of them beside the table with its whole story. */
import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Page, type Thing } from '../../api/client';
import { usePages } from '../../api/pages';
import { useAgentNames } from '../../api/things';
import { AttemptStory } from '../../parts/attempt_story';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { clock, NONE } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { outcomeTone, useWords } from '../../parts/words';
import css from './results.module.css';

type Attempt = Thing<'Attempt'>;

interface Props {
  query: Record<string, string>;
  /** Id of the attempt that is open, as the address has it. */
  open: string;
  onOpen: (id: string) => void;
}

export function AttemptRows({ query, open, onOpen }: Props) {
  const { t } = useTranslation('results');
  const word = useWords();
  const agents = useAgentNames();
  const found = usePages<Attempt>(['results', 'attempts', query], () => data(api.GET('/api/v1/attempts', { params: { query: { ...query, order: 'desc' } } })) as Promise<Page<Attempt>>);
  const talk = (attempt: Attempt) => (attempt.end?.connected_us == null ? NONE : clock((attempt.end.ended_us - attempt.end.connected_us) / 1_000));
  const columns: Column<Attempt>[] = [
    { key: 'at', head: t('column.at'), width: '150px', cell: (attempt) => <Moment at_us={attempt.at_us} /> },
    { key: 'number', head: t('column.number'), width: '150px', narrow: 'first', cell: (attempt) => attempt.number },
    {
      key: 'outcome', head: t('column.outcome'), width: 'minmax(160px, 1fr)',
      cell: (attempt) => {
        const outcome = attempt.end?.outcome;
        return <StateBadge tone={outcome ? outcomeTone(outcome) : 'accent'} pulse={!outcome}>{outcome ? word('outcome', outcome) : t('underWay')}</StateBadge>;
      },
    },
    { key: 'campaign', head: t('column.campaign'), width: 'minmax(120px, 1fr)', cell: (attempt) => attempt.campaign ?? NONE },
    { key: 'agent', head: t('column.agent'), width: 'minmax(100px, 1fr)', cell: (attempt) => agentName(attempt.end?.agent, agents) },
    { key: 'talk', head: t('column.talk'), width: '80px', align: 'right', cell: talk },
    { key: 'trunk', head: t('column.trunk'), width: 'minmax(100px, 1fr)', narrow: 'hide', cell: (attempt) => attempt.trunk },
    { key: 'try', head: t('column.try'), width: '80px', align: 'right', narrow: 'hide', cell: (attempt) => attempt.attempt_number },
  ];
  const inRows = found.rows.find((attempt) => String(attempt.id) === open);
  return (
    <Panel flush>
      <DataTable
        label={t('attempts')}
        columns={columns}
        rows={found.rows}
        rowId={(attempt) => attempt.id}
        onOpen={(attempt) => onOpen(String(attempt.id))}
        openId={open ? Number(open) : null}
        more={found.more}
        cut={found.cut && t('cut')}
        loading={found.loading}
        stale={found.stale}
        error={found.error}
        onRetry={found.retry}
        empty={<Empty narrowed={Object.keys(query).length > 0} />}
      />
      <Drawer opened={open !== ''} onClose={() => onOpen('')} position="right" size="lg" title={t('attemptTitle', { id: open })} closeButtonProps={{ 'aria-label': t('close') }}>
        {open !== '' && <Detail id={open} known={inRows} agents={agents} />}
      </Drawer>
    </Panel>
  );
}

export function agentName(agent: number | null | undefined, names: Map<number, string>): string {
  return agent == null ? NONE : (names.get(agent) ?? `#${agent}`);
}

export function Empty({ narrowed }: { narrowed: boolean }) {
  const { t } = useTranslation('results');
  if (narrowed) return <EmptyState icon="filter" title={t('noneFit')} text={t('noneFitText')} />;
  return <EmptyState icon="results" title={t('none')} text={t('noneText')} action={<Link className="op-link" to="/campaigns">{t('toCampaigns')}</Link>} />;
}

function Detail({ id, known, agents }: { id: string; known: Attempt | undefined; agents: Map<number, string> }) {
  const { t } = useTranslation('results');
  const word = useWords();
  const found = useQuery({
    queryKey: ['results', 'attempt', id],
    queryFn: () => data(api.GET('/api/v1/attempts/{id}', { params: { path: { id: Number(id) } } })),
    initialData: known,
  });
  const attempt = found.data;
  if (!attempt) return found.error ? <ErrorState error={found.error} onRetry={() => void found.refetch()} /> : <div role="status">{t('looking')}</div>;
  const outcome = attempt.end?.outcome;
  return (
    <>
      <div className={css.head}>
        <StateBadge tone={outcome ? outcomeTone(outcome) : 'accent'} pulse={!outcome}>{outcome ? word('outcome', outcome) : t('underWay')}</StateBadge>
        <span>{attempt.campaign}</span>
        <Link className="op-link" to={`/contacts?search=${encodeURIComponent(attempt.number)}`}>{t('toContact')}</Link>
      </div>
      <AttemptStory attempt={attempt} agents={agents} />
    </>
  );
}
