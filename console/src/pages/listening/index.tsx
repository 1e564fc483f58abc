/**
 * Calls that wait for somebody who says what answered: one at a time, one key for each answer, the next at once.
 *
 * What is said goes to the server while the next call is in sight; where it is refused, that call comes back.
 */
import { Button, Group, Select, Switch } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState, type MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { usePages, type Rows } from '../../api/pages';
import { useCampaigns } from '../../api/things';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { FilterFields } from '../../parts/filter';
import { number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellProblem } from '../../parts/told';
import { useFilters } from '../../parts/use_filters';
import { ANSWERED, useWords, type Answered } from '../../parts/words';
import { EvidencePanel } from './evidence';
import { countsOf, labelOf, nextOf, type Said } from './labels';
import css from './listening.module.css';
import { useSound } from './sound';

type Judgement = Thing<'Judgement'>;

const FILTERS = ['campaign', 'verdict', 'audited', 'audio', 'open'] as const;
/** Keys beside the digits. */
const KEYS = { pass: 'n', undo: 'u' };
const VERDICTS = ['machine', 'ivr', 'screening', 'human', 'silence', 'fax', 'sit'] as const;

export default function ListeningPage() {
  const { t } = useTranslation(['listening', 'common']);
  const word = useWords();
  const [filters, change] = useFilters(FILTERS);
  const campaigns = useCampaigns();
  return (
    <>
      <PageHeader
        title={t('title')}
        text={t('text')}
        back={filters.open !== '' ? { to: `/results?open=${filters.open}`, text: t('backToAttempt') } : filters.campaign ? { to: `/campaigns/${encodeURIComponent(filters.campaign)}/detection`, text: t('back', { campaign: filters.campaign }) } : undefined}
      />
      {filters.open === '' ? (
        <>
          <FilterFields>
            <Select
              label={t('campaign')}
              placeholder={t('any')}
              clearable
              clearButtonProps={{ 'aria-label': t('common:action.clear') }}
              data={campaigns.data?.items.map(({ name }) => name) ?? []}
              value={filters.campaign || null}
              onChange={(campaign) => change({ campaign: campaign ?? '' })}
            />
            <Select
              label={t('verdict')}
              placeholder={t('any')}
              clearable
              clearButtonProps={{ 'aria-label': t('common:action.clear') }}
              data={VERDICTS.map((value) => ({ value, label: word('verdict', value) }))}
              value={filters.verdict || null}
              onChange={(verdict) => change({ verdict: verdict ?? '' })}
            />
            <Switch className={css.switch} label={t('audited')} checked={filters.audited !== ''} onChange={(event) => change({ audited: event.currentTarget.checked ? '1' : '' })} />
            <Switch className={css.switch} label={t('audio')} checked={filters.audio !== ''} onChange={(event) => change({ audio: event.currentTarget.checked ? '1' : '' })} />
          </FilterFields>
          <Queue key={JSON.stringify(filters)} filters={filters} />
        </>
      ) : (
        <Alone key={filters.open} attempt={Number(filters.open)} />
      )}
    </>
  );
}

const evidenceKey = (attempt: number) => ['evidence', attempt] as const;
const evidenceOf = (id: number) => data(api.GET('/api/v1/attempts/{id}/evidence', { params: { path: { id } } }));
const say = (id: number, answered: Answered | null) => api.POST('/api/v1/attempts/{id}/label', { params: { path: { id } }, body: { answered } });

/** The calls that wait, as they come from the server. */
function Queue({ filters }: { filters: Record<(typeof FILTERS)[number], string> }) {
  const cache = useQueryClient();
  const found = usePages<Judgement>(['amd-queue', filters], () =>
    data(api.GET('/api/v1/amd/queue', {
      params: { query: { campaign: filters.campaign || undefined, verdict: filters.verdict || undefined, audited: filters.audited ? true : undefined, audio: filters.audio ? true : undefined } },
    })),
  );
  return <Desk found={found} again={() => void cache.resetQueries({ queryKey: ['amd-queue'] })} />;
}

/** One call, by its address. */
function Alone({ attempt }: { attempt: number }) {
  const found = useQuery({ queryKey: evidenceKey(attempt), queryFn: () => evidenceOf(attempt) });
  const rows = useMemo(() => (found.data ? [found.data] : []), [found.data]);
  return <Desk found={{ rows, loading: found.isPending, error: found.error, retry: () => void found.refetch(), more: NO_MORE }} />;
}

const NO_MORE = { has: false, loading: false, load: () => {} };

interface DeskProps {
  found: Pick<Rows<Judgement>, 'rows' | 'loading' | 'error' | 'retry' | 'more'>;
  /** Reads the queue anew, where there is one. */
  again?: () => void;
}

function Desk({ found, again }: DeskProps) {
  const { t } = useTranslation(['listening', 'common']);
  const word = useWords();
  const cache = useQueryClient();
  const [said, setSaid] = useState<Said[]>([]);
  const [now, then] = nextOf(found.rows, said);
  const { more } = found;
  useEffect(() => {
    if (!then && more.has && !more.loading && !found.error) more.load();
  }, [then, more, found.error]);
  // The next one stands ready when this one is said.
  useEffect(() => {
    if (then) void cache.prefetchQuery({ queryKey: evidenceKey(then.attempt), queryFn: () => evidenceOf(then.attempt) });
  }, [then, cache]);
  const evidence = useQuery({
    queryKey: evidenceKey(now?.attempt ?? 0),
    queryFn: () => evidenceOf(now?.attempt ?? 0),
    enabled: now !== undefined,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const shown = evidence.data?.attempt === now?.attempt ? evidence.data : undefined;
  const sound = useSound(now?.audio ? `api/v1/attempts/${now.attempt}/evidence/audio` : null);

  const label = useCallback((answered: Answered | null) => {
    if (!now) return;
    const { attempt } = now;
    setSaid((before) => [...before, { attempt, answered }]);
    if (answered === null) return;
    say(attempt, answered).catch((problem: unknown) => {
      setSaid((before) => before.filter((one) => one.attempt !== attempt));
      tellProblem(problem);
    });
  }, [now]);
  const last = said.at(-1);
  const undo = useCallback(() => {
    if (!last) return;
    setSaid((before) => before.filter((one) => one !== last));
    if (last.answered !== null) say(last.attempt, null).catch(tellProblem);
  }, [last]);
  useHotkeys([
    ...ANSWERED.map((_, index): [string, (event: KeyboardEvent) => void] => [String(index + 1), (event) => label(labelOf(event.key))]),
    [KEYS.pass, () => label(null)],
    [KEYS.undo, undo],
    ['backspace', undo],
    // A button that has the focus keeps its key.
    ['space', (event) => {
      if ((event.target as HTMLElement).closest('button, a, label')) return;
      event.preventDefault();
      sound.toggle();
    }, { preventDefault: false }],
  ]);

  const counts = countsOf(said);
  if (found.error && found.rows.length === 0) return <Panel><ErrorState error={found.error} onRetry={found.retry} /></Panel>;
  if (found.loading || (!now && more.loading)) return <Panel><div role="status">{t('reading')}</div></Panel>;
  const undoButton = <Button variant="default" disabled={!last} onClick={(event) => click(event, undo)} leftSection={<Icon name="left" size={16} />}>{t('undo')}</Button>;
  return (
    <>
      <div role="status" className="op-visually-hidden">{last && (last.answered ? t('saidAloud', { number: numberOf(found.rows, last.attempt), answered: word('answered', last.answered) }) : t('passedAloud'))}</div>
      {!now ? (
        <Panel>
          <EmptyState
            icon="ok"
            title={t(said.length > 0 ? 'over' : 'none')}
            text={said.length > 0 ? t('overText', { count: counts.labelled, number: number(counts.labelled) }) : t('noneText')}
            action={
              <Group gap="sm" justify="center">
                {again && <Button variant="default" leftSection={<Icon name="refresh" size={16} />} onClick={() => { setSaid([]); again(); }}>{t('again')}</Button>}
                {last && undoButton}
              </Group>
            }
          />
        </Panel>
      ) : (
        <div className={css.listening}>
          <EvidencePanel judgement={now} evidence={shown} error={evidence.error} onRetry={() => void evidence.refetch()} sound={sound} />
          <Panel title={t('question')} className={css.question} aside={said.length > 0 && t('soFar', { count: counts.labelled, number: number(counts.labelled) })}>
            <div className={css.labels}>
              {ANSWERED.map((answered, index) => (
                <Button key={answered} variant="default" size="md" justify="flex-start" aria-keyshortcuts={String(index + 1)} leftSection={<kbd className={css.key} aria-hidden>{index + 1}</kbd>} onClick={(event) => click(event, () => label(answered))}>
                  {word('answered', answered)}
                </Button>
              ))}
              <Button variant="subtle" aria-keyshortcuts={KEYS.pass} leftSection={<kbd className={css.key} aria-hidden>{KEYS.pass.toUpperCase()}</kbd>} onClick={(event) => click(event, () => label(null))}>{t('pass')}</Button>
              {undoButton}
            </div>
            <div className={css.keys} aria-hidden>
              <span><kbd className={css.key}>{KEYS.undo.toUpperCase()}</kbd> {t('undo')}</span>
              {now.audio && <span><kbd className={css.key}>{t('space')}</kbd> {t('play')}</span>}
            </div>
          </Panel>
        </div>
      )}
    </>
  );
}

/** Who clicks goes on with keys: none of them is the button's. */
function click(event: MouseEvent<HTMLButtonElement>, run: () => void): void {
  if (event.detail > 0) event.currentTarget.blur();
  run();
}

const numberOf = (rows: readonly Judgement[], attempt: number) => rows.find((row) => row.attempt === attempt)?.number ?? '';
