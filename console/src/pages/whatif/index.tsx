/**
 * What if? A day of the campaign is replayed as it was and as it might have been; what is found good is applied.
 *
 * The address holds the day and the simulation that is shown: both can be sent to somebody.
 */
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { api, data } from '../../api/client';
import { keys } from '../../api/live';
import { Problem } from '../../api/problem';
import { useCampaign } from '../../api/things';
import { CampaignState } from '../../parts/campaign_control';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote, ErrorState } from '../../parts/error_state';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellProblem } from '../../parts/told';
import { useFilters } from '../../parts/use_filters';
import { isOver, type Simulation } from './answer';
import { Earlier } from './earlier';
import { BASE, Form, OTHER } from './form';
import { asked, askedBefore, changesOf, dayKey, dayOf, DAYS_BACK, daysOf, nowOf, questionOf, usualDay, type Question } from './question';
import { Result } from './result';
import { UnderWay } from './under_way';
import css from './whatif.module.css';

const FILTERS = ['day', 'run'] as const;
/** While one runs it is asked for so often. */
const EVERY_MS = 700;

export default function WhatIfPage() {
  const { t } = useTranslation(['whatif', 'common']);
  const { name = '' } = useParams();
  const campaign = useCampaign(name);
  const back = { to: `/campaigns/${encodeURIComponent(name)}`, text: name };
  const head = <PageHeader title={t('title')} mark={campaign.data && <CampaignState state={campaign.data.state} />} back={back} text={t('text', { name })} />;
  if (campaign.isError && !campaign.data) return <>{head}<Panel><ErrorState error={campaign.error} onRetry={() => void campaign.refetch()} /></Panel></>;
  if (!campaign.data) return head;
  const { mode } = campaign.data.settings as { mode?: string };
  if (mode === 'agentless') return <>{head}<Panel><EmptyState icon="whatif" title={t('none.agentless')} text={t('none.agentlessText')} /></Panel></>;
  return <>{head}<WhatIf campaign={campaign.data} /></>;
}

/** The days of the last two weeks with calls, from the campaign's report. */
function useDays(name: string) {
  // "Now" is the moment of coming: the choice does not move under the hand.
  const from_us = useMemo(() => { const now = new Date(); return new Date(now.getFullYear(), now.getMonth(), now.getDate() - DAYS_BACK + 1).getTime() * 1_000; }, []);
  return useQuery({
    queryKey: ['days', name, from_us],
    queryFn: async () => daysOf((await data(api.GET('/api/v1/campaigns/{name}/report', { params: { path: { name }, query: { from: String(from_us) } } })) as { hours: Parameters<typeof daysOf>[0] }).hours),
  });
}

/** Calls of a day beyond the list. */
function useCallsOf(name: string, key: string): number | null {
  const day = dayOf(key);
  const found = useQuery({
    queryKey: ['calls of', name, key],
    queryFn: async () => ((await data(api.GET('/api/v1/campaigns/{name}/report', { params: { path: { name }, query: { from: String(day?.from_us), to: String(day?.to_us) } } }))) as { attempts: number }).attempts,
    enabled: day !== null,
  });
  return found.data ?? null;
}

const simulationQuery = (id: string) => ({
  queryKey: keys.simulation(Number(id)),
  queryFn: () => data(api.GET('/api/v1/simulations/{id}', { params: { path: { id: Number(id) } } })) as Promise<Simulation>,
});

function WhatIf({ campaign }: { campaign: Parameters<typeof nowOf>[0] }) {
  const { t } = useTranslation(['whatif', 'common']);
  const cache = useQueryClient();
  const [filters, change] = useFilters(FILTERS);
  const days = useDays(campaign.name);
  const answer = useRef<HTMLDivElement>(null);
  const now = nowOf(campaign);
  const [question, setQuestion] = useState<Question>(() => questionOf(now));

  // The campaign is steered meanwhile: what stands untouched follows.
  const shape = JSON.stringify(now);
  const last = useRef(now);
  useEffect(() => {
    const [was, is] = [last.current, JSON.parse(shape) as typeof now];
    last.current = is;
    setQuestion((asked) => ({
      ...asked,
      ...(asked.mode === was.mode && { mode: is.mode }),
      ...(asked.ratio === was.ratio && { ratio: is.ratio }),
      ...(asked.limit_percent === was.limit_percent && { limit_percent: is.limit_percent }),
      ...(asked.amd === was.amd && { amd: is.amd }),
    }));
  }, [shape]);

  // An answer that is opened brings its question back into the fields.
  const opened = useQuery({ ...simulationQuery(filters.run), enabled: filters.run !== '' }).data;
  const brought = useRef('');
  useEffect(() => {
    if (filters.run === '') brought.current = '';
    if (!opened || brought.current === filters.run || opened.campaign !== campaign.name) return;
    brought.current = filters.run;
    setQuestion(({ care }) => askedBefore(last.current, opened.changes, care));
  }, [opened, filters.run, campaign.name]);

  const offered = days.data ?? [];
  const choice = filters.day === '' ? (days.data ? (usualDay(offered, new Date())?.key ?? BASE) : '') : filters.day === BASE || offered.some((day) => day.key === filters.day) ? filters.day : OTHER;
  const other = choice === OTHER ? (dayOf(filters.day)?.key ?? '') : '';
  const callsOfOther = useCallsOf(campaign.name, other);
  const calls = choice === BASE ? null : choice === OTHER ? callsOfOther : (offered.find((day) => day.key === choice)?.calls ?? null);

  const ask = useMutation({
    mutationFn: async () => {
      const changes = changesOf(question, now);
      if (!changes) throw new Error('the question has a fault');
      const day = choice === BASE ? null : dayOf(choice === OTHER ? other : choice);
      return data(api.POST('/api/v1/simulations', { body: asked(campaign.name, day, changes, question.care, Date.now() * 1_000) })) as Promise<Simulation>;
    },
    onSuccess: (simulation) => {
      cache.setQueryData(keys.simulation(simulation.id), simulation);
      void cache.invalidateQueries({ queryKey: keys.simulations });
      change({ run: String(simulation.id) });
      // On a phone the answer stands below the question.
      requestAnimationFrame(() => answer.current?.scrollIntoView({ block: 'nearest' }));
    },
  });

  return (
    <div className={css.page}>
      <div className={css.side}>
        <Panel title={t('ask.title')}>
          {days.error && <ErrorNote error={days.error} />}
          <Form
            now={now}
            question={question}
            onQuestion={setQuestion}
            days={offered}
            choice={choice}
            onChoice={(day) => change({ day })}
            other={other}
            onOther={(day) => change({ day: day || OTHER })}
            calls={calls}
            busy={ask.isPending}
            onAsk={() => ask.mutate()}
          />
          {ask.error && <div className={css.refused}><ErrorNote error={ask.error} faults={ask.error instanceof Problem ? ask.error.byField([]).rest : undefined} /></div>}
        </Panel>
        <Earlier campaign={campaign.name} open={filters.run} onOpen={(one) => change({ run: String(one.id), day: one.from_us == null ? BASE : dayKey(new Date(one.from_us / 1_000)) })} />
      </div>
      <div className={css.main} ref={answer}>
        {filters.run === '' ? (
          <Panel><EmptyState icon="whatif" title={t('none.title')} text={t('none.text')} /></Panel>
        ) : (
          <Run key={filters.run} id={filters.run} campaign={campaign} onGone={() => change({ run: '' })} />
        )}
      </div>
    </div>
  );
}

function Run({ id, campaign, onGone }: { id: string; campaign: Parameters<typeof nowOf>[0]; onGone: () => void }) {
  const { t } = useTranslation(['whatif', 'common']);
  const cache = useQueryClient();
  const run = useQuery({
    ...simulationQuery(id),
    refetchInterval: (query) => (query.state.data && !isOver(query.state.data) ? EVERY_MS : false),
  });
  const simulation = run.data;
  const over = simulation !== undefined && isOver(simulation);
  useEffect(() => {
    if (over) void cache.invalidateQueries({ queryKey: keys.simulations });
  }, [over, cache]);
  const clear = <Button variant="default" onClick={onGone}>{t('none.again')}</Button>;
  // A restart of the server forgets them; one of another campaign does not belong here.
  const gone = (run.error instanceof Problem && run.error.code === 404) || (simulation && simulation.campaign !== campaign.name);
  if (gone) return <Panel><EmptyState icon="whatif" title={t('none.gone')} text={t('none.goneText')} action={clear} /></Panel>;
  if (run.error && !simulation) return <Panel><ErrorState error={run.error} onRetry={() => void run.refetch()} /></Panel>;
  if (!simulation) return <Panel><div role="status">{t('way.reading')}</div></Panel>;
  if (simulation.state === 'failed') return <Panel><EmptyState icon="warn" title={t('none.failed')} text={t('none.failedText', { why: simulation.error ?? '' })} action={clear} /></Panel>;
  if (simulation.state === 'cancelled') return <Panel><EmptyState icon="stop" title={t('none.cancelled')} text={t('none.cancelledText')} action={clear} /></Panel>;
  if (!over) {
    const cancel = () => {
      api.DELETE('/api/v1/simulations/{id}', { params: { path: { id: simulation.id } } }).then(() => run.refetch(), tellProblem);
    };
    return <UnderWay simulation={simulation} onCancel={cancel} />;
  }
  return <Result simulation={simulation} campaign={campaign} />;
}
