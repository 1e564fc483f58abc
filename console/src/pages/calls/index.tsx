/** Every call under way; beside it, or on its own on phones, one of them with what happened in it. */
import { ActionIcon, Select } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useCallback, useDeferredValue, useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate, useParams } from 'react-router';
import { followCalls, liveCalls, readCalls, type Call } from '../../api/calls';
import { useMay } from '../../api/login';
import { useStore } from '../../api/store';
import { Since } from '../../parts/clock';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { FilterLine, fits, Search } from '../../parts/filter';
import { milliseconds, NONE, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { CallState } from '../../parts/call_state';
import { useFilters } from '../../parts/use_filters';
import { useTyped } from '../../parts/use_typed';
import { useWords } from '../../parts/words';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { CallDetail } from './detail';
import css from './calls.module.css';
import { askHangUp } from './hang_up';
import { toneOfMos } from './quality';

const STATES = ['dialling', 'ringing', 'answered', 'connected'] as const;
const FILTERS = ['search', 'state', 'trunk'] as const;
/** Table and call stand side by side from here on. */
const WIDE = '(min-width: 75em)';

export default function CallsPage() {
  const { t } = useTranslation('calls');
  const { id } = useParams();
  const open = id === undefined ? null : Number(id);
  const wide = useMediaQuery(WIDE, true, { getInitialValueInEffect: false });
  useEffect(followCalls, []);
  if (open !== null && !wide) return <CallDetail id={open} alone />;
  return (
    <>
      <PageHeader title={t('title')} text={<Count />} />
      <div className={css.split} data-open={open !== null || undefined}>
        <Table open={open} />
        {open !== null && <CallDetail key={open} id={open} />}
      </div>
    </>
  );
}

function Count() {
  const { t } = useTranslation('calls');
  const { calls, loading } = useStore(liveCalls);
  const talking = calls.filter((call) => call.state === 'connected').length;
  return <>{loading ? t('reading') : t('text', { count: calls.length, number: number(calls.length), talking: number(talking) })}</>;
}

function Table({ open }: { open: number | null }) {
  const { t } = useTranslation('calls');
  const names = useWords();
  const navigate = useNavigate();
  const may = useMay('agent');
  const { calls, loading, problem } = useStore(liveCalls);
  const { search } = useLocation();
  const [{ state, trunk, search: kept }, change] = useFilters(FILTERS);
  const [sought, setSought] = useTyped(kept, useCallback((search: string) => change({ search }), [change]));
  const wanted = useDeferredValue(sought);
  // The one that is chosen stays to be taken back, whether it has calls now or not.
  const trunks = useMemo(() => [...new Set([...calls.flatMap((call) => call.trunk ?? []), ...(trunk ? [trunk] : [])])].sort(), [calls, trunk]);
  const shown = useMemo(
    () => calls.filter((call) => (!state || call.state === state) && (!trunk || call.trunk === trunk) && fits(wanted, call.to, call.from, call.agent, call.campaign, call.trunk)),
    [calls, state, trunk, wanted],
  );
  const columns: Column<Call>[] = [
    { key: 'to', head: t('number'), narrow: 'first', width: 'minmax(150px, 1.2fr)', cell: (call) => <Party call={call} /> },
    { key: 'state', head: t('state'), width: '110px', cell: (call) => <CallState state={call.state} /> },
    { key: 'talk', head: t('time'), width: '60px', align: 'right', cell: (call) => <Since from_us={call.answered_us ?? call.began_us} /> },
    { key: 'agent', head: t('agent'), width: 'minmax(86px, 1fr)', cell: (call) => call.agent ?? NONE },
    { key: 'campaign', head: t('campaign'), width: 'minmax(110px, 1fr)', spare: 2, cell: (call) => call.campaign ?? NONE },
    { key: 'trunk', head: t('trunk'), width: 'minmax(128px, 0.9fr)', spare: 6, narrow: 'hide', cell: (call) => call.trunk ?? NONE },
    { key: 'codec', head: t('codec'), width: '68px', spare: 5, narrow: 'hide', cell: (call) => call.codec ?? NONE },
    { key: 'loss', head: t('loss'), width: '62px', spare: 3, align: 'right', narrow: 'hide', cell: (call) => (call.quality ? percent(call.quality.loss, 1) : NONE) },
    { key: 'jitter', head: t('jitter'), width: '74px', spare: 4, align: 'right', narrow: 'hide', cell: (call) => (call.quality ? milliseconds(call.quality.jitter_ms, 1) : NONE) },
    { key: 'mos', head: t('mos'), width: '54px', spare: 1, align: 'right', cell: (call) => (call.quality ? <span data-tone={toneOfMos(call.quality.mos)} className={css.mos}>{number(call.quality.mos, 1)}</span> : NONE) },
    ...(may
      ? ([
          {
            key: 'end', head: t('end'), width: '50px', align: 'right', narrow: 'corner',
            cell: (call) => (
              <ActionIcon variant="subtle" color="red" aria-label={t('hangUpOf', { number: other(call) })} onClick={() => askHangUp(call, t)}>
                <Icon name="hangUp" size={18} />
              </ActionIcon>
            ),
          },
        ] satisfies Column<Call>[])
      : []),
  ];
  const filtered = Boolean(state || trunk || wanted);
  return (
    <Panel flush>
      <FilterLine>
        <Search label={t('search')} value={sought} onChange={setSought} />
        <Select aria-label={t('state')} placeholder={t('allStates')} clearable data={STATES.map((one) => ({ value: one, label: names('callState', one) }))} value={state || null} onChange={(one) => change({ state: one ?? '' })} w={150} clearButtonProps={{ 'aria-label': t('allStates') }} />
        {(trunks.length > 1 || trunk) && <Select aria-label={t('trunk')} placeholder={t('allTrunks')} clearable data={trunks} value={trunk || null} onChange={(one) => change({ trunk: one ?? '' })} w={150} clearButtonProps={{ 'aria-label': t('allTrunks') }} />}
      </FilterLine>
      <DataTable
        label={t('title')}
        columns={columns}
        rows={shown}
        rowId={(call) => call.id}
        openId={open}
        onOpen={(call) => void navigate({ pathname: open === call.id ? '/calls' : `/calls/${call.id}`, search })}
        loading={loading}
        error={problem}
        onRetry={readCalls}
        empty={<EmptyState icon="calls" title={filtered ? t('noneFound') : t('none')} text={filtered ? t('noneFoundText') : t('noneText')} />}
      />
    </Panel>
  );
}

/** The far end: whom we call, or who calls us. */
export function other(call: Call): string {
  return call.direction === 'inbound' ? call.from : call.to;
}

export function Party({ call }: { call: Call }) {
  const names = useWords();
  return (
    <span className={css.party}>
      <Icon name={call.direction === 'inbound' ? 'arrowIn' : 'arrowOut'} size={14} />
      <span className="op-visually-hidden">{names('direction', call.direction)}</span>
      {other(call)}
    </span>
  );
}
