/** Answered calls as rows; one of them beside the table with what happened in it. */
import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Page, type Thing } from '../../api/client';
import { usePages } from '../../api/pages';
import { useAgentNames } from '../../api/things';
import { DataTable, type Column } from '../../parts/data_table';
import { ErrorState } from '../../parts/error_state';
import { clock, milliseconds, NONE, number, percent } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { Pairs } from '../../parts/pairs';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { Timeline } from '../../parts/timeline';
import { useWords } from '../../parts/words';
import { agentName, Empty } from './attempts';
import css from './results.module.css';

type Cdr = Thing<'Cdr'>;

interface Props {
  query: Record<string, string>;
  open: string;
  onOpen: (id: string) => void;
}

export function CallRows({ query, open, onOpen }: Props) {
  const { t } = useTranslation('results');
  const word = useWords();
  const agents = useAgentNames();
  const found = usePages<Cdr>(['results', 'calls', query], () => data(api.GET('/api/v1/cdrs', { params: { query: { ...query, order: 'desc' } } })) as Promise<Page<Cdr>>);
  const columns: Column<Cdr>[] = [
    { key: 'at', head: t('column.answered'), width: '150px', cell: (cdr) => <Moment at_us={cdr.answered_us} /> },
    { key: 'direction', head: t('column.direction'), width: '110px', cell: (cdr) => word('direction', cdr.direction) },
    { key: 'number', head: t('column.number'), width: 'minmax(150px, 1fr)', narrow: 'first', cell: otherParty },
    { key: 'campaign', head: t('column.campaign'), width: 'minmax(120px, 1fr)', cell: (cdr) => cdr.campaign ?? NONE },
    { key: 'agent', head: t('column.agent'), width: 'minmax(100px, 1fr)', cell: (cdr) => agentName(cdr.agent, agents) },
    { key: 'length', head: t('column.length'), width: '90px', align: 'right', cell: (cdr) => (cdr.ended_us == null ? NONE : clock((cdr.ended_us - cdr.answered_us) / 1_000)) },
    { key: 'cause', head: t('column.cause'), width: 'minmax(130px, 1fr)', cell: (cdr) => (cdr.cause_whose ? word('whose', cdr.cause_whose) : <StateBadge tone="accent" pulse>{t('underWay')}</StateBadge>) },
    { key: 'trunk', head: t('column.trunk'), width: 'minmax(100px, 1fr)', narrow: 'hide', cell: (cdr) => cdr.trunk ?? NONE },
  ];
  return (
    <Panel flush>
      <DataTable
        label={t('calls')}
        columns={columns}
        rows={found.rows}
        rowId={(cdr) => cdr.id}
        onOpen={(cdr) => onOpen(String(cdr.id))}
        openId={open ? Number(open) : null}
        more={found.more}
        cut={found.cut && t('cut')}
        loading={found.loading}
        stale={found.stale}
        error={found.error}
        onRetry={found.retry}
        empty={<Empty narrowed={Object.keys(query).length > 0} />}
      />
      <Drawer opened={open !== ''} onClose={() => onOpen('')} position="right" size="lg" title={t('callTitle', { id: open })} closeButtonProps={{ 'aria-label': t('close') }}>
        {open !== '' && <Detail id={open} agents={agents} />}
      </Drawer>
    </Panel>
  );
}

function otherParty(cdr: Cdr): string {
  return cdr.direction === 'inbound' ? cdr.caller : cdr.callee;
}

/** What of a call's media is shown; another version may have more or less. */
interface Media {
  packets_received?: number;
  packets_sent?: number;
  lost?: number;
  late?: number;
  jitter_ms?: number;
}

function Detail({ id, agents }: { id: string; agents: Map<number, string> }) {
  const { t } = useTranslation('results');
  const word = useWords();
  const found = useQuery({ queryKey: ['results', 'call', id], queryFn: () => data(api.GET('/api/v1/cdrs/{id}', { params: { path: { id: Number(id) } } })) });
  const cdr = found.data;
  if (!cdr) return found.error ? <ErrorState error={found.error} onRetry={() => void found.refetch()} /> : <div role="status">{t('looking')}</div>;
  const media = (cdr.media ?? {}) as Media;
  const expected = (media.packets_received ?? 0) + (media.lost ?? 0);
  return (
    <>
      <div className={css.head}>
        <b>{otherParty(cdr)}</b>
        {cdr.rebuilt && <StateBadge tone="warn">{t('rebuilt')}</StateBadge>}
        <Link className="op-link" to={`/contacts?search=${encodeURIComponent(otherParty(cdr))}`}>{t('toContact')}</Link>
        {cdr.attempt != null && <Link className="op-link" to={`/results?open=${cdr.attempt}`}>{t('toAttempt')}</Link>}
      </div>
      <Pairs
        of={[
          [t('column.direction'), word('direction', cdr.direction)],
          [t('from'), cdr.caller],
          [t('to'), cdr.callee],
          [t('column.answered'), <Moment key="at" at_us={cdr.answered_us} />],
          [t('column.length'), cdr.ended_us == null ? t('underWay') : clock((cdr.ended_us - cdr.answered_us) / 1_000)],
          [t('column.talk'), cdr.connected_us == null || cdr.ended_us == null ? null : clock((cdr.ended_us - cdr.connected_us) / 1_000)],
          [t('column.agent'), agentName(cdr.agent, agents)],
          [t('column.campaign'), cdr.campaign ?? null],
          [t('column.trunk'), cdr.trunk ?? NONE],
          [t('column.cause'), cdr.cause_whose ? [word('whose', cdr.cause_whose), cdr.cause_code != null && `SIP ${cdr.cause_code}`].filter(Boolean).join(', ') : null],
          [t('callId'), cdr.sip_call_id || null],
          [t('packets'), media.packets_received === undefined ? null : t('packetsBoth', { received: number(media.packets_received), sent: number(media.packets_sent ?? 0) })],
          [t('loss'), media.lost === undefined || expected === 0 ? null : percent(media.lost / expected, 2)],
          [t('late'), media.late === undefined ? null : number(media.late)],
          [t('jitter'), media.jitter_ms === undefined ? null : milliseconds(media.jitter_ms, 1)],
        ]}
      />
      <h3 className={css.title}>{t('happened')}</h3>
      {cdr.timeline.length > 0 ? <Timeline entries={cdr.timeline} /> : <p className={css.dim}>{cdr.ended_us == null ? t('noTimelineYet') : t('noTimeline')}</p>}
    </>
  );
}
