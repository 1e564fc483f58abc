/** How a campaign went in a span of time, counted from stored records; to look at, to print, to take along. */
import { Button, Group, Stack } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { address, api, data, type Thing } from '../../api/client';
import { useCampaign } from '../../api/things';
import { Bars } from '../../parts/bars';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { Figure } from '../../parts/figure';
import { FilterFields } from '../../parts/filter';
import { dateTime, hours, money, NONE, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { spanOf, spanQuery } from '../../parts/span';
import { SpanPicker } from '../../parts/span_picker';
import { useFilters } from '../../parts/use_filters';
import { outcomeColor, useWords } from '../../parts/words';
import { binsOf } from './bins';
import { Hours } from './hours';
import css from './report.module.css';
import { Agents, Segments } from './tables';

type Report = Thing<'Report'>;

const FILTERS = ['span', 'from', 'to'] as const;

export default function ReportPage() {
  const { t } = useTranslation('report');
  const name = useParams().campaign ?? '';
  const [filters, change] = useFilters(FILTERS);
  // "Now" is the moment of choosing: a report that is looked at does not move.
  const span = useMemo(() => spanOf(filters, 'today'), [filters]);
  const query = spanQuery(span);
  const found = useQuery({
    queryKey: ['report', name, query],
    queryFn: () => data(api.GET('/api/v1/campaigns/{name}/report', { params: { path: { name }, query } })) as Promise<Report>,
    placeholderData: keepPreviousData,
  });
  const report = found.data;
  const file = address(`api/v1/campaigns/${encodeURIComponent(name)}/report?${new URLSearchParams({ ...defined(query), format: 'csv' })}`);
  return (
    <>
      <PageHeader
        title={t('title', { name })}
        back={{ to: `/campaigns/${encodeURIComponent(name)}`, text: t('campaign') }}
        text={t('between', { from: span.from_us === null ? t('beginning') : dateTime(span.from_us), to: span.to_us === null ? t('now') : dateTime(span.to_us) })}
        actions={
          <Group gap="sm" className="op-no-print">
            <Button variant="default" leftSection={<Icon name="results" size={16} />} onClick={() => window.print()}>{t('print')}</Button>
            <Button variant="default" component="a" href={file} download leftSection={<Icon name="download" size={16} />}>{t('download')}</Button>
          </Group>
        }
      />
      <div className="op-no-print">
        <FilterFields><SpanPicker filters={filters} usual="today" onChange={change} all /></FilterFields>
      </div>
      {found.error && !report ? (
        <Panel><ErrorState error={found.error} onRetry={() => void found.refetch()} /></Panel>
      ) : !report ? (
        <Panel><div role="status">{t('counting')}</div></Panel>
      ) : report.attempts === 0 ? (
        <Panel><EmptyState icon="reports" title={t('nothing')} text={t('nothingText')} /></Panel>
      ) : (
        <Content report={report} name={name} />
      )}
    </>
  );
}

function defined(query: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function Content({ report, name }: { report: Report; name: string }) {
  const { t } = useTranslation('report');
  const word = useWords();
  const campaign = useCampaign(name);
  // Where the campaign sets none, that of its profile holds, which the ledger names.
  const limit = (campaign.data?.settings as { limit?: number } | undefined)?.limit ?? campaign.data?.ledger[0]?.limit;
  const bins = useMemo(() => binsOf(report.hours), [report.hours]);
  const outcomes = Object.entries(report.outcomes).sort(([, a], [, b]) => b - a);
  const { cost } = report;
  const over = limit !== undefined && report.abandon_rate > limit;
  const part = (count: number, whole: number) => (whole > 0 ? t('ofWhole', { part: percent(count / whole, 0) }) : undefined);
  return (
    <Stack gap="md">
      <Panel>
        <div className={css.figures}>
          <Figure label={t('attempts')} value={number(report.attempts)} note={report.open > 0 ? t('open', { count: report.open }) : undefined} />
          <Figure label={t('answered')} value={number(report.answered)} note={part(report.answered, report.attempts)} />
          <Figure label={t('machines')} value={number(report.machines)} note={part(report.machines, report.answered)} />
          <Figure label={t('connected')} value={number(report.connected)} note={part(report.connected, report.attempts)} />
          <Figure label={t('abandoned')} value={number(report.abandoned)} tone={over ? 'bad' : 'plain'} />
          <Figure label={t('abandonRate')} value={percent(report.abandon_rate, 2)} tone={over ? 'bad' : 'plain'} note={limit === undefined ? undefined : t('limit', { limit: percent(limit, 1) })} />
          <Figure label={t('talk')} value={hours(report.talk_s)} note={report.connected > 0 ? t('each', { span: hours(report.talk_s / report.connected) }) : undefined} />
          <Figure label={t('cost')} value={cost.amount > 0 || (cost.minutes > 0 && cost.unpriced_calls === 0) ? money(cost.amount, cost.currency) : NONE} note={cost.per_connected == null || cost.amount === 0 ? undefined : t('perConnected', { amount: money(cost.per_connected, cost.currency) })} />
        </div>
      </Panel>
      <Hours bins={bins} file={`${name}-report`} />
      <div className={css.two}>
        <Stack gap="md">
          <Panel title={t('outcomes')}>
            <Bars
              label={t('outcomes')}
              heads={[t('outcome'), t('attempts')]}
              bars={outcomes.map(([key, value]) => ({ key, value, label: word('outcome', key), color: outcomeColor(key) }))}
              share
            />
          </Panel>
          <Panel title={t('costs')}>
            <p className={css.text}>{t('minutes', { minutes: number(cost.minutes, 1) })}</p>
            {cost.unpriced_calls > 0 && <p className={css.text}>{t('unpriced', { count: cost.unpriced_calls })}</p>}
            {cost.unpriced_calls === 0 && <p className={css.text}>{t('allPriced')}</p>}
          </Panel>
        </Stack>
        <Stack gap="md">
          <Agents agents={report.agents} />
          <Panel title={t('dispositions')}>
            {Object.keys(report.dispositions).length === 0 ? (
              <div className={css.none}>{t('noDispositions')}</div>
            ) : (
              <Bars label={t('dispositions')} heads={[t('disposition'), t('attempts')]} bars={Object.entries(report.dispositions).sort(([, a], [, b]) => b - a).map(([key, value]) => ({ key, value, label: key }))} share />
            )}
          </Panel>
        </Stack>
      </div>
      <Segments segments={report.segments} />
    </Stack>
  );
}
