/** One campaign: what it does now, its settings, and its end. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { keys, putCampaign } from '../../api/live';
import { useMay } from '../../api/login';
import { Problem } from '../../api/problem';
import { useAgents, useCampaign, useLists, useTrunks } from '../../api/things';
import { CampaignControl, CampaignState } from '../../parts/campaign_control';
import { ask } from '../../parts/confirm';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote, ErrorState } from '../../parts/error_state';
import { Figure, Figures } from '../../parts/figure';
import { FormBar } from '../../parts/form_section';
import { number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone, tellProblem } from '../../parts/told';
import { SETTLED, useUnsaved } from '../../parts/unsaved';
import { useSaving } from '../../parts/use_saving';
import { Why } from '../board/why';
import { CampaignFields } from './fields';
import { CAMPAIGN_KEYS, settingsOf, toChanges, toValues, type CampaignSettings, type CampaignValues } from './settings';
import { Rate } from './words';
import css from './detail.module.css';

type CampaignView = Thing<'CampaignView'>;

export default function CampaignPage() {
  const { t } = useTranslation(['campaigns', 'common']);
  const { name = '' } = useParams();
  const campaign = useCampaign(name);
  const back = { to: '/campaigns', text: t('detail.back') };
  if (campaign.error instanceof Problem && campaign.error.code === 404) {
    return (
      <>
        <PageHeader title={name} back={back} />
        <Panel><EmptyState icon="campaigns" title={t('detail.gone', { name })} text={t('detail.goneText')} action={<Button component={Link} to="/campaigns" variant="default">{t('detail.back')}</Button>} /></Panel>
      </>
    );
  }
  if (campaign.isError && !campaign.data) return <ErrorState error={campaign.error} onRetry={() => void campaign.refetch()} />;
  if (!campaign.data) return <PageHeader title={name} back={back} />;
  return <Campaign key={campaign.data.id} campaign={campaign.data} />;
}

function Campaign({ campaign }: { campaign: CampaignView }) {
  const { t } = useTranslation(['campaigns', 'common']);
  const may = { run: useMay('supervisor'), remove: useMay('admin') };
  const place = encodeURIComponent(campaign.name);
  return (
    <>
      <PageHeader
        title={campaign.name}
        mark={<CampaignState state={campaign.state} />}
        text={t('detail.text', { list: campaign.list, trunk: settingsOf(campaign).trunk ?? '' })}
        back={{ to: '/campaigns', text: t('detail.back') }}
        actions={
          <>
            <Button component={Link} to={`/board/${place}`} variant="default" leftSection={<Icon name="board" size={16} />}>{t('detail.board')}</Button>
            <Button component={Link} to={`/reports/${place}`} variant="default" leftSection={<Icon name="reports" size={16} />}>{t('detail.report')}</Button>
            <Button component={Link} to={`/campaigns/${place}/why`} variant="default" leftSection={<Icon name="info" size={16} />}>{t('detail.why')}</Button>
            <Button component={Link} to={`/campaigns/${place}/detection`} variant="default" leftSection={<Icon name="listening" size={16} />}>{t('detail.detection')}</Button>
            {may.run && <Button component={Link} to={`/campaigns/${place}/whatif`} variant="default" leftSection={<Icon name="whatif" size={16} />}>{t('detail.whatIf')}</Button>}
            {may.run && <CampaignControl campaign={campaign} />}
          </>
        }
      />
      <Stack gap="md">
        <Now campaign={campaign} />
        {may.run ? <Settings campaign={campaign} /> : <Panel title={t('detail.settings')}><Text size="sm" c="dimmed">{t('detail.readOnly')}</Text></Panel>}
        {may.remove && <Delete campaign={campaign} />}
      </Stack>
    </>
  );
}

const LEADS = ['ready', 'waiting', 'dialling', 'done', 'blocked'] as const;

function Now({ campaign }: { campaign: CampaignView }) {
  const { t } = useTranslation('campaigns');
  const all = Object.values(campaign.leads).reduce((sum, count) => sum + count, 0);
  return (
    <div className={css.now}>
      <Panel title={t('detail.figures')}>
        {campaign.state === 'running' && <div className={css.why}><Why campaign={campaign} /></div>}
        <Figures>
          <Figure size="small" label={t('attempts')} value={number(campaign.attempts)} />
          <Figure size="small" label={t('detail.ringing')} value={number(campaign.ringing)} />
          <Figure size="small" label={t('detail.waiting')} value={number(campaign.waiting)} />
          <Figure size="small" label={t('detail.talking')} value={number(campaign.talking)} />
        </Figures>
        <div className={css.rate}>
          <span className={css.rateName}>{t('rate')}</span>
          <Rate campaign={campaign} />
        </div>
      </Panel>
      <Panel title={t('leads.title')}>
        {all === 0 ? (
          <Text size="sm" c="dimmed">{t('leads.none')}</Text>
        ) : (
          <Figures>
            {LEADS.map((state) => <Figure key={state} size="small" label={t(`leads.${state}`)} value={number(campaign.leads[state] ?? 0)} />)}
          </Figures>
        )}
      </Panel>
    </div>
  );
}

/** What each key is called, to say what was changed. */
function useKeyNames(): (key: string) => string {
  const { t } = useTranslation('campaigns');
  const names: Record<(typeof CAMPAIGN_KEYS)[number], string> = {
    name: t('what.name'),
    list: t('what.list'),
    trunk: t('what.trunk'),
    caller_id: t('what.callerId'),
    mode: t('pace.mode'),
    ratio: t('pace.ratio'),
    preview_s: t('pace.previewS'),
    preview_then: t('pace.previewThen'),
    skip_retry_min: t('pace.skipRetry'),
    skips_max: t('pace.skipsMax'),
    channels: t('pace.channels'),
    calls_per_second: t('pace.rate'),
    message: t('pace.message'),
    limit: t('pace.limit'),
    amd: t('answers.mode'),
    amd_mode: t('answers.mode'),
    amd_audit_share: t('answers.share'),
    amd_audio: t('answers.audio'),
    amd_audio_days: t('answers.audioDays'),
    on_machine: t('answers.machine'),
    machine_message: t('answers.machineMessage'),
    message_after: t('answers.after'),
    message_wait_s: t('answers.messageWait'),
    on_ivr: t('answers.ivr'),
    on_screening: t('answers.screening'),
    screening_message: t('answers.screeningMessage'),
    screening_wait_s: t('answers.screeningWait'),
    on_silence: t('answers.silence'),
    hello_message: t('answers.helloMessage'),
    hello_wait_s: t('answers.helloWait'),
    hello_then: t('answers.helloThen'),
    on_fax: t('answers.fax'),
    on_sit: t('answers.sit'),
    agents: t('who.agents'),
    skills: t('who.skills'),
    weight: t('who.weight'),
    filter: t('which.filter'),
    order: t('which.order'),
    mix: t('which.mix'),
    recycle: t('which.recycle'),
    callback_wait_min: t('which.callbackWait'),
    callback_then: t('which.callbackThen'),
    callback_later_min: t('which.callbackLater'),
    profile: t('rules.profile'),
    timezone: t('rules.timezone'),
    attempts_max: t('rules.attemptsMax'),
    ring_timeout_s: t('rules.ringTimeout'),
    safe_harbour: t('rules.harbour'),
  };
  return (key) => names[key as keyof typeof names] ?? key;
}

/** Keys that the pacer's next decision uses, and those that make it look at waiting leads anew; the rest counts for new calls. */
const AT_ONCE = new Set(['mode', 'ratio', 'preview_s', 'preview_then', 'channels', 'calls_per_second', 'limit', 'agents', 'skills', 'weight']);
const LEADS_AGAIN = new Set(['profile', 'timezone', 'attempts_max', 'filter', 'order', 'mix', 'recycle']);

function Settings({ campaign }: { campaign: CampaignView }) {
  const { t } = useTranslation(['campaigns', 'common']);
  const nameOf = useKeyNames();
  const [lists, trunks, agents] = [useLists(), useTrunks(), useAgents()];
  // Events bring the campaign anew each time; its settings are new only when they differ.
  const keptText = JSON.stringify(campaign.settings);
  const kept = useMemo(() => toValues(JSON.parse(keptText) as Partial<CampaignSettings>), [keptText]);
  const form = useForm<CampaignValues>({ initialValues: kept });
  const saving = useSaving(form, CAMPAIGN_KEYS);
  const changes = toChanges(kept, form.values);
  const changed = Object.keys(changes);
  // Two keys may be one field.
  const names = (keys: string[]) => [...new Set(keys.map(nameOf))].join(', ');
  useUnsaved(changed.length > 0);

  // Somebody changed it: what stands here untouched follows, what was being written stays.
  const last = useRef(kept);
  useEffect(() => {
    if (last.current === kept) return;
    const now = form.getValues();
    const written = Object.keys(toChanges(last.current, now)) as (keyof CampaignValues)[];
    last.current = kept;
    form.setValues({ ...kept, ...Object.fromEntries(written.map((key) => [key, now[key]])) });
  }, [kept, form]);

  const send = async (body: Record<string, unknown>) => {
    putCampaign(await data(api.PATCH('/api/v1/campaigns/{name}', { params: { path: { name: campaign.name } }, body: body as Record<string, never> })));
  };
  const save = form.onSubmit(() =>
    saving.save(async () => {
      const back = toChanges(form.getValues(), kept);
      const list = names(changed);
      await send(changes);
      const undo = () => void send(back).then(() => tellDone(t('detail.undone', { list })), tellProblem);
      tellDone(t('detail.saved', { list }), { text: t('detail.undo'), run: undo });
    }),
  );
  const effect = changed.some((key) => LEADS_AGAIN.has(key)) ? 'leadsAgain' : changed.some((key) => AT_ONCE.has(key)) ? 'now' : 'nextCall';

  return (
    <Panel title={t('detail.settings')} aside={t('detail.settingsText')}>
      <form onSubmit={(event) => void save(event)} noValidate>
        <CampaignFields form={form} fixed choices={{ lists: lists.data?.items ?? [], trunks: trunks.data?.items ?? [], agents: agents.data?.items ?? [] }} />
        <ErrorNote error={saving.error} faults={saving.rest} />
        {changed.length > 0 && (
          <FormBar text={<><b>{t('detail.changed', { count: new Set(changed.map(nameOf)).size, list: names(changed) })}</b><br />{t(`detail.${effect}`)}</>}>
            <Button variant="default" onClick={() => { form.setValues(kept); form.clearErrors(); }}>{t('detail.discard')}</Button>
            <Button type="submit" loading={saving.busy}>{t('detail.save')}</Button>
          </FormBar>
        )}
      </form>
    </Panel>
  );
}

function Delete({ campaign }: { campaign: CampaignView }) {
  const { t } = useTranslation(['campaigns', 'common']);
  const go = useNavigate();
  const cache = useQueryClient();
  const remove = () =>
    ask({
      title: t('detail.deleteTitle', { name: campaign.name }),
      text: t('detail.deleteText'),
      verb: t('detail.delete'),
      type: campaign.name,
      run: async () => {
        await api.DELETE('/api/v1/campaigns/{name}', { params: { path: { name: campaign.name } } });
        await go('/campaigns', { state: SETTLED });
        cache.removeQueries({ queryKey: keys.campaign(campaign.name) });
        await cache.invalidateQueries({ queryKey: keys.campaigns });
        tellDone(t('detail.deleted', { name: campaign.name }));
      },
    });
  return (
    <Panel title={t('detail.danger')}>
      <Group justify="space-between" gap="md">
        <Text size="sm" c="dimmed" maw="60ch">{t('detail.dangerText')}</Text>
        <Button color="red" variant="outline" leftSection={<Icon name="trash" size={16} />} onClick={remove}>{t('detail.delete')}</Button>
      </Group>
    </Panel>
  );
}
