/**
 * Why did it dial seven at 10:41:07? The decisions around a moment, one of them explained; and how forecasts fared.
 *
 * The address holds the moment, so that a board, a result or a person can point at it. Without one it follows the present.
 */
import { Button, Group, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { api, data } from '../../api/client';
import { useMay } from '../../api/login';
import { useCampaign } from '../../api/things';
import { CampaignState } from '../../parts/campaign_control';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { dateTime, number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { useFilters } from '../../parts/use_filters';
import { CalibrationPanel } from './calibration';
import { heldAt, momentOf, secondInput, type Decision } from './decision';
import { Explained, exact, Saw } from './explained';
import css from './why.module.css';

const FILTERS = ['at'] as const;
/** Decisions around the moment: the page shows a few minutes of them. */
const AROUND = 200;
/** Without a moment the latest are shown, and asked for so often. */
const EVERY_MS = 3_000;

export default function WhyPage() {
  const { t } = useTranslation(['why', 'board', 'common']);
  const { name = '' } = useParams();
  const place = encodeURIComponent(name);
  const campaign = useCampaign(name);
  const mayTry = useMay('supervisor');
  const head = (
    <PageHeader
      title={t('title')}
      mark={campaign.data && <CampaignState state={campaign.data.state} />}
      back={{ to: `/campaigns/${place}`, text: name }}
      text={t('text', { name })}
      actions={
        <>
          <Button component={Link} to={`/board/${place}`} variant="default" leftSection={<Icon name="board" size={16} />}>{t('toBoard')}</Button>
          {mayTry && <Button component={Link} to={`/campaigns/${place}/whatif`} variant="default" leftSection={<Icon name="whatif" size={16} />}>{t('toWhatIf')}</Button>}
        </>
      }
    />
  );
  if (campaign.isError && !campaign.data) return <>{head}<Panel><ErrorState error={campaign.error} onRetry={() => void campaign.refetch()} /></Panel></>;
  if (!campaign.data) return head;
  return (
    <>
      {head}
      <Decisions name={name} />
      <CalibrationPanel name={name} />
    </>
  );
}

/** The reason in two or three words; one that is newer than this console speaks for itself. */
function Short({ decision: { why, why_code } }: { decision: Decision }) {
  const { t, i18n } = useTranslation('why');
  const key = `short.${why_code.replaceAll('_', '-')}`;
  return <>{i18n.exists(`why:${key}`) ? (t as (key: string) => string)(key) : why}</>;
}

function Decisions({ name }: { name: string }) {
  const { t } = useTranslation(['why', 'board', 'common']);
  const [filters, change] = useFilters(FILTERS);
  const at_us = momentOf(filters.at);
  const found = useQuery({
    queryKey: ['decisions', name, at_us],
    queryFn: () => data(api.GET('/api/v1/campaigns/{name}/decisions', { params: { path: { name }, query: { at: at_us === null ? undefined : String(at_us), limit: AROUND } } })),
    refetchInterval: at_us === null ? EVERY_MS : false,
    placeholderData: keepPreviousData,
  });
  const decisions = useMemo(() => (found.data?.items ?? []).toSorted((a, b) => a.at_us - b.at_us), [found.data]);
  const chosen = at_us === null ? decisions.at(-1) : heldAt(decisions, at_us);
  const index = chosen ? decisions.indexOf(chosen) : -1;
  const go = (to: Decision | undefined) => to && change({ at: String(to.at_us) });
  const columns: Column<Decision>[] = [
    { key: 'at', head: t('list.at'), width: '104px', narrow: 'first', cell: (one) => exact(one.at_us) },
    { key: 'launched', head: t('list.launched'), width: '72px', align: 'right', narrow: 'corner', cell: (one) => (one.launched > 0 ? <b>{number(one.launched)}</b> : number(0)) },
    { key: 'why', head: t('list.why'), width: 'minmax(150px, 1fr)', cell: (one) => <Short decision={one} /> },
  ];
  const shown_us = chosen?.at_us ?? at_us ?? Date.now() * 1_000;
  return (
    <>
      <div className={css.picker}>
        <TextInput
          type="datetime-local"
          step={1}
          label={t('at')}
          value={secondInput(new Date(shown_us / 1_000))}
          onChange={(event) => {
            const at = new Date(event.currentTarget.value);
            if (!Number.isNaN(at.getTime())) change({ at: at.toISOString() });
          }}
        />
        <Button variant="default" leftSection={<Icon name="left" size={14} />} disabled={index <= 0} onClick={() => go(decisions[index - 1])}>{t('before')}</Button>
        <Button variant="default" rightSection={<Icon name="right" size={14} />} disabled={index < 0 || index >= decisions.length - 1} onClick={() => go(decisions[index + 1])}>{t('after')}</Button>
        <Button variant={at_us === null ? 'light' : 'default'} aria-pressed={at_us === null} onClick={() => change({ at: '' })}>{t('latest')}</Button>
      </div>
      {found.isError && !found.data ? (
        <Panel><ErrorState error={found.error} onRetry={() => void found.refetch()} /></Panel>
      ) : !found.data ? (
        <Panel><div role="status">{t('reading')}</div></Panel>
      ) : !chosen ? (
        <Panel>
          <EmptyState
            icon="clock"
            title={at_us === null ? t('none.yet') : t('none.then')}
            text={at_us === null ? t('none.yetText') : found.data.oldest_us != null && at_us < found.data.oldest_us ? t('none.tooOld', { oldest: dateTime(found.data.oldest_us) }) : t('none.thenText')}
            action={
              at_us !== null && (
                <Group justify="center" gap="sm">
                  {found.data.oldest_us != null && <Button variant="default" onClick={() => change({ at: String(found.data.oldest_us) })}>{t('none.oldest')}</Button>}
                  <Button variant="default" onClick={() => change({ at: '' })}>{t('none.latest')}</Button>
                </Group>
              )
            }
          />
        </Panel>
      ) : (
        <div className={css.columns}>
          <div className={css.explained}>
            <Explained decision={chosen} name={name} asked_us={at_us} />
            <Saw decision={chosen} />
          </div>
          <Panel title={t('list.title')} aside={at_us === null ? t('list.live') : undefined} flush className={css.list}>
            <DataTable
              label={t('list.title')}
              columns={columns}
              rows={decisions.toReversed()}
              rowId={(one) => one.at_us}
              openId={chosen.at_us}
              onOpen={go}
              height="560px"
              empty={null}
            />
          </Panel>
        </div>
      )}
    </>
  );
}
