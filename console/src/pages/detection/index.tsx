/** What answer detection did in a campaign, how many people it lost as far as that can be said, and who listens. */
import { Alert, Button, Stack } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { useCampaign } from '../../api/things';
import { Bars } from '../../parts/bars';
import { CampaignState } from '../../parts/campaign_control';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { Figure } from '../../parts/figure';
import { FilterFields } from '../../parts/filter';
import { dayUtc, fixed, milliseconds, NONE, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { spanOf, spanQuery } from '../../parts/span';
import { SpanPicker } from '../../parts/span_picker';
import { useFilters } from '../../parts/use_filters';
import { outcomeColor, useWords } from '../../parts/words';
import { DaysPlot } from './days_plot';
import type { Interval } from './days';
import css from './detection.module.css';
import { Models } from './models';
import { Recordings } from './recordings';

type Report = Thing<'AmdReport'>;

const FILTERS = ['span', 'from', 'to'] as const;
/** Verdicts come in as calls do: the page follows them slowly. */
const EVERY_MS = 15_000;

export default function DetectionPage() {
  const { t } = useTranslation('detection');
  const { name = '' } = useParams();
  const place = encodeURIComponent(name);
  const campaign = useCampaign(name);
  const mayListen = useMay('supervisor');
  const [filters, change] = useFilters(FILTERS);
  const query = useMemo(() => spanQuery(spanOf(filters, 'week')), [filters]);
  const found = useQuery({
    queryKey: ['amd', name, query],
    queryFn: () => data(api.GET('/api/v1/campaigns/{name}/amd', { params: { path: { name }, query } })),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHeader
        title={t('title')}
        mark={campaign.data && <CampaignState state={campaign.data.state} />}
        text={t('text', { name })}
        back={{ to: `/campaigns/${place}`, text: name }}
        actions={mayListen && <Button component={Link} to={`/listening?campaign=${place}`} variant="default" leftSection={<Icon name="listening" size={16} />}>{t('listen')}</Button>}
      />
      <FilterFields><SpanPicker filters={filters} usual="week" onChange={change} all /></FilterFields>
      {found.isError && !found.data ? (
        <Panel><ErrorState error={found.error} onRetry={() => void found.refetch()} /></Panel>
      ) : !found.data ? (
        <Panel><div role="status">{t('reading')}</div></Panel>
      ) : found.data.total.calls === 0 ? (
        <Stack gap="md">
          <Panel>
            {found.data.mode === 'off' ? (
              <EmptyState icon="listening" title={t('off')} text={t('offText')} action={<Button component={Link} to={`/campaigns/${place}`} variant="default">{t('toSettings')}</Button>} />
            ) : (
              <EmptyState icon="listening" title={t('none')} text={t('noneText')} />
            )}
          </Panel>
          <Models />
          <Recordings />
        </Stack>
      ) : (
        <Content report={found.data} />
      )}
    </>
  );
}

const between = (interval: Interval | null | undefined) => (interval ? { share: percent(interval.share, 2), low: percent(interval.low, 2), high: percent(interval.high, 2) } : null);

function Content({ report }: { report: Report }) {
  const { t } = useTranslation('detection');
  const word = useWords();
  const { total, max_human_as_machine: knob } = report;
  const days = useMemo(() => report.days.map((day) => ({ ...day, name: dayUtc(day.at_us) })), [report.days]);
  const lost = between(total.human_as_machine);
  const through = between(total.machine_as_human);
  const tone = !total.measured || !total.human_as_machine ? 'dim' : total.human_as_machine.low > knob ? 'bad' : total.human_as_machine.high <= knob ? 'ok' : 'plain';
  const bars = (counts: Record<string, number>, name: (code: string) => string, color?: (code: string) => `--op-${string}`) =>
    Object.entries(counts).sort(([, a], [, b]) => b - a).map(([key, value]) => ({ key, value, label: name(key), color: color?.(key) }));
  return (
    <Stack gap="md">
      {report.drift.length > 0 && (
        <Alert color="yellow" variant="outline" icon={<Icon name="warn" />} title={t('drift.title')}>
          {report.drift.map(({ what, now, before, sigma }) => (
            <div key={what}>{t('drift.says', { what: t(`drift.${whatOf(what)}`), now: driftValue(what, now), before: driftValue(what, before), sigma: fixed(Math.abs(sigma), 1) })}</div>
          ))}
          <div>{t('drift.mend')}</div>
        </Alert>
      )}
      <Panel>
        <p className={css.sentence}>
          {total.measured && lost ? t('says.measured', lost) : t('says.few')}
        </p>
        <p className={css.text}>
          {total.measured && total.human_as_machine
            ? t(total.human_as_machine.low > knob ? 'says.over' : total.human_as_machine.high <= knob ? 'says.kept' : 'says.open', { knob: percent(knob, 1) })
            : t('says.fewWhy', { count: total.audited, number: number(total.audited), labelled: number(total.labelled) })}{' '}
          {(!total.measured || (total.human_as_machine?.high ?? 1) > knob) && total.audits_needed != null && t('says.needed', { count: total.audits_needed, number: number(total.audits_needed), knob: percent(knob, 1) })}
        </p>
        <p className={`${css.text} ${css.hint}`}>{t('says.mode', { mode: t(`mode.${modeOf(report.mode)}`), share: percent(report.audit_share, 1) })}</p>
      </Panel>
      <Panel>
        <div className={css.figures}>
          <Figure label={t('figure.calls')} value={number(total.calls)} note={t('figure.labelled', { count: total.labelled, number: number(total.labelled) })} />
          <Figure label={t('figure.lost')} value={lost?.share ?? NONE} tone={tone} note={lost ? t('figure.between', lost) : t('figure.unknown')} />
          <Figure label={t('figure.through')} value={through?.share ?? NONE} note={through ? t('figure.between', through) : t('figure.unknown')} />
          <Figure label={t('figure.audited')} value={number(total.audited)} note={t('figure.auditedPersons', { count: total.audited_persons, number: number(total.audited_persons) })} />
          <Figure label={t('figure.time')} value={total.verdict_ms == null ? NONE : milliseconds(total.verdict_ms)} note={t('figure.timeNote')} />
        </div>
      </Panel>
      <Panel title={t('days.title')} aside={t('days.utc')}>
        {days.some(({ human_as_machine }) => human_as_machine) ? (
          <DaysPlot label={t('figure.lost')} limit={knob} days={days.map(({ name, audited, human_as_machine }) => ({ day: name, share: human_as_machine ?? null, of: audited }))} />
        ) : (
          <p className={`${css.text} ${css.hint}`}>{t('days.none')}</p>
        )}
        <Days days={days} />
      </Panel>
      <div className={css.two}>
        <Panel title={t('verdicts')}>
          <Bars label={t('verdicts')} heads={[t('verdict'), t('figure.calls')]} bars={bars(total.verdicts, (code) => word('verdict', code), (code) => (code === 'human' ? '--op-ok' : outcomeColor(code)))} share />
        </Panel>
        <Panel title={t('handling.title')}>
          <Bars label={t('handling.title')} heads={[t('handling.title'), t('figure.calls')]} bars={bars(total.handling, (code) => word('handling', code))} share />
        </Panel>
        <Panel title={t('answered')}>
          {total.labelled === 0 ? (
            <p className={`${css.text} ${css.hint}`}>{t('answeredNone')}</p>
          ) : (
            <Bars label={t('answered')} heads={[t('answered'), t('figure.calls')]} bars={bars(total.answered, (code) => word('answered', code), (code) => (code === 'person' ? '--op-ok' : outcomeColor(code)))} share />
          )}
        </Panel>
        <Budget lost={report.budget} />
      </div>
      <Models />
      <Recordings />
    </Stack>
  );
}

/** A mode or a figure that is newer than this console has no word here. */
const modeOf = (mode: string) => (mode === 'shadow' || mode === 'sample' || mode === 'on' ? mode : 'off');
const whatOf = (what: string) => (what === 'human_share' || what === 'verdict_ms' ? what : 'person_probability');
const driftValue = (what: string, value: number) => (what === 'verdict_ms' ? milliseconds(value) : percent(value, 1));

function Days({ days }: { days: (Report['days'][number] & { name: string })[] }) {
  const { t } = useTranslation('detection');
  return (
    <div className={css.tableBox} tabIndex={0} role="group" aria-label={t('days.title')}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{t('days.day')}</th>
            <th scope="col">{t('figure.calls')}</th>
            <th scope="col">{t('days.persons')}</th>
            <th scope="col">{t('figure.time')}</th>
            <th scope="col">{t('figure.audited')}</th>
            <th scope="col">{t('days.personsAmong')}</th>
            <th scope="col">{t('figure.lost')}</th>
          </tr>
        </thead>
        <tbody>
          {days.toReversed().map((day) => {
            const lost = between(day.human_as_machine);
            return (
              <tr key={day.at_us}>
                <th scope="row">{day.name}</th>
                <td>{number(day.calls)}</td>
                <td>{percent((day.verdicts.human ?? 0) / Math.max(1, day.calls), 0)}</td>
                <td>{day.verdict_ms == null ? NONE : milliseconds(day.verdict_ms)}</td>
                <td>{number(day.audited)}</td>
                <td>{number(day.audited_persons)}</td>
                <td>{lost ? t('days.interval', lost) : NONE}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What the pacer reckons with. */
function Budget({ lost }: { lost: Thing<'AmdLost'> }) {
  const { t } = useTranslation('detection');
  return (
    <Panel title={t('budget.title')}>
      <p className={css.text}>
        {lost.rate == null ? t('budget.none') : t(lost.measured ? 'budget.measured' : 'budget.profile', { rate: percent(lost.rate, 2) })}
      </p>
      {lost.rate != null && <p className={css.text}>{t(lost.counted ? 'budget.counted' : 'budget.notCounted')}</p>}
      {lost.source && <p className={`${css.text} ${css.hint}`}>{t('budget.source', { source: lost.source })}</p>}
    </Panel>
  );
}
