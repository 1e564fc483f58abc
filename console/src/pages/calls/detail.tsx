/** One call: who, since when, how it sounds, and what happened in it. After its end it is read from its record. */
import { ActionIcon, Button, Loader } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import type { Call } from '../../api/calls';
import { api, data, type Thing } from '../../api/client';
import { useEvents } from '../../api/events';
import { keys } from '../../api/live';
import { useMay } from '../../api/login';
import { Problem } from '../../api/problem';
import { Since } from '../../parts/clock';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { Figure, Figures } from '../../parts/figure';
import { milliseconds, moment, NONE, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { CallState } from '../../parts/call_state';
import { useWords } from '../../parts/words';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { Timeline } from '../../parts/timeline';
import css from './calls.module.css';
import { askHangUp } from './hang_up';
import { toneOfMos } from './quality';

const EVERY_MS = 1_000;

type Live = Thing<'CallDetail'>;
type Record = Thing<'CdrDetail'>;
type Found = { kind: 'live'; call: Live } | { kind: 'over'; cdr: Record } | { kind: 'gone' };

/** A record is written with the end of its call, within some milliseconds. */
const RECORD_TRIES = 5;
const RECORD_WAIT_MS = 300;

async function record(id: number): Promise<Found> {
  for (let left = RECORD_TRIES; ; left -= 1) {
    try {
      return { kind: 'over', cdr: await data(api.GET('/api/v1/cdrs/{id}', { params: { path: { id } } })) };
    } catch (error) {
      if (!(error instanceof Problem && error.code === 404)) throw error;
      // Nobody answered: it has no record.
      if (left <= 1) return { kind: 'gone' };
    }
    await new Promise((resolve) => setTimeout(resolve, RECORD_WAIT_MS));
  }
}

/** `ended` is the call as its last event showed it: then nobody need be asked whether it still stands. */
async function find(id: number, records: boolean, ended: Call | null): Promise<Found> {
  if (!ended) {
    try {
      return { kind: 'live', call: await data(api.GET('/api/v1/calls/{id}', { params: { path: { id } } })) };
    } catch (error) {
      if (!(error instanceof Problem && error.code === 404)) throw error;
    }
  }
  return records && ended?.answered_us !== null ? record(id) : { kind: 'gone' };
}

export function CallDetail({ id, alone }: { id: number; alone?: boolean }) {
  const { t } = useTranslation('calls');
  const { search } = useLocation();
  const records = useMay('supervisor');
  const [ended, setEnded] = useState<Call | null>(null);
  useEvents('call.ended', useCallback((call) => {
    if ((call as Call).id === id) setEnded(call as Call);
  }, [id]));
  const found = useQuery({
    queryKey: [...keys.call(id), ended !== null],
    queryFn: () => find(id, records, ended),
    // What was seen stays in sight until its record is there.
    placeholderData: keepPreviousData,
    // What is over stays as it is.
    refetchInterval: (query) => (ended === null && (query.state.data === undefined || query.state.data.kind === 'live') ? EVERY_MS : false),
  });
  const body = found.isError && !found.data ? (
    <ErrorState error={found.error} onRetry={() => void found.refetch()} />
  ) : !found.data ? (
    <div className={css.wait}><Loader size="sm" aria-label={t('reading')} /></div>
  ) : found.data.kind === 'live' ? (
    <LiveBody call={found.data.call} />
  ) : found.data.kind === 'over' ? (
    <OverBody cdr={found.data.cdr} />
  ) : (
    <EmptyState icon="calls" title={t('gone')} text={t('goneText')} />
  );
  const title = t('call', { id });
  if (alone) {
    return (
      <>
        <PageHeader title={title} back={{ to: `/calls${search}`, text: t('title') }} />
        <Panel>{body}</Panel>
      </>
    );
  }
  return (
    <Panel
      title={title}
      className={css.side}
      aside={<ActionIcon component={Link} to={`/calls${search}`} variant="subtle" color="gray" aria-label={t('close')}><Icon name="close" size={18} /></ActionIcon>}
    >
      {body}
    </Panel>
  );
}

function LiveBody({ call }: { call: Live }) {
  const { t } = useTranslation('calls');
  const may = useMay('agent');
  const names = useWords();
  const { quality } = call;
  return (
    <div className={css.detail}>
      <div className={css.head}>
        <div className={css.who}>{call.direction === 'inbound' ? call.from : call.to}</div>
        <CallState state={call.state} />
      </div>
      {/* Above what is read: it must not have to be scrolled to. */}
      {may && <Button color="red" variant="outline" size="xs" leftSection={<Icon name="hangUp" size={16} />} onClick={() => askHangUp(call, t)}>{t('hangUp')}</Button>}
      <Figures>
        <Figure size="small" label={call.answered_us ? t('sinceAnswer') : t('sinceBegin')} value={<Since from_us={call.answered_us ?? call.began_us} />} />
        <Figure size="small" label={t('mos')} value={quality ? number(quality.mos, 2) : NONE} tone={quality ? toneOfMos(quality.mos) : 'dim'} />
        <Figure size="small" label={t('loss')} value={quality ? percent(quality.loss, 2) : NONE} />
        <Figure size="small" label={t('jitter')} value={quality ? milliseconds(quality.jitter_ms, 1) : NONE} />
        <Figure size="small" label={t('rtt')} value={quality?.rtt_ms != null ? milliseconds(quality.rtt_ms) : NONE} />
        <Figure size="small" label={t('remoteLoss')} value={quality ? percent(quality.remote_loss, 2) : NONE} />
      </Figures>
      <Facts call={call} rest={[[t('codec'), call.codec], [t('verdict'), call.verdict && names('verdict', call.verdict)], [t('packets'), quality && `${number(quality.packets_received)} / ${number(quality.packets_sent)}`]]} />
      <h2 className={css.sub}>{t('timeline')}</h2>
      <Timeline entries={call.timeline} />
    </div>
  );
}

function OverBody({ cdr }: { cdr: Record }) {
  const { t } = useTranslation('calls');
  const names = useWords();
  return (
    <div className={css.detail}>
      <div className={css.head}>
        <div className={css.who}>{cdr.direction === 'inbound' ? cdr.caller : cdr.callee}</div>
        <StateBadge tone="idle">{t('over')}</StateBadge>
      </div>
      <Figures>
        <Figure size="small" label={t('lasted')} value={<Since from_us={cdr.answered_us} until_us={cdr.ended_us ?? cdr.answered_us} />} />
        <Figure size="small" label={t('talked')} value={cdr.connected_us != null ? <Since from_us={cdr.connected_us} until_us={cdr.ended_us ?? cdr.connected_us} /> : NONE} />
      </Figures>
      <dl className={css.facts}>
        {([
          [t('direction'), names('direction', cdr.direction)],
          [t('campaign'), cdr.campaign],
          [t('trunk'), cdr.trunk],
          [t('answeredAt'), moment(cdr.answered_us)],
          [t('endedAt'), cdr.ended_us != null ? moment(cdr.ended_us) : null],
          [t('cause'), [cdr.cause_whose && names('endedBy', cdr.cause_whose), cdr.cause_code].filter(Boolean).join(', ')],
        ] as [string, string | null | undefined][]).map(([name, value]) => <Fact key={name} name={name} value={value} />)}
      </dl>
      <h2 className={css.sub}>{t('timeline')}</h2>
      <Timeline entries={cdr.timeline} />
    </div>
  );
}

function Facts({ call, rest }: { call: Call; rest: [string, string | null | undefined][] }) {
  const { t } = useTranslation('calls');
  const names = useWords();
  const facts: [string, string | null | undefined][] = [
    [t('direction'), names('direction', call.direction)],
    [t('from'), call.from],
    [t('to'), call.to],
    [t('campaign'), call.campaign],
    [t('agent'), call.agent],
    [t('trunk'), call.trunk],
    [t('began'), moment(call.began_us)],
    ...rest,
  ];
  return <dl className={css.facts}>{facts.map(([name, value]) => <Fact key={name} name={name} value={value} />)}</dl>;
}

function Fact({ name, value }: { name: string; value: string | null | undefined }) {
  if (value == null || value === '') return null;
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
