/** One campaign, live: what it does and why, how much of its limit is left, and the levers. */
import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { TRACK_POINTS, type BoardCampaign } from '../../api/boards';
import { useMay } from '../../api/login';
import { useCampaign } from '../../api/things';
import { Bars, type Bar } from '../../parts/bars';
import { CampaignControl, CampaignState } from '../../parts/campaign_control';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { Figure } from '../../parts/figure';
import { compact, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { outcomeColor, useWords } from '../../parts/words';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { TimeSeries } from '../../parts/time_series';
import css from './board.module.css';
import { Budget } from './budget';
import { AgentsBar, answeredBy } from './figures';
import { LatenessPanel } from './lateness';
import { NoBoard } from './no_board';
import { Tuning } from './tuning';
import { useBoard, useTrack } from './use_board';
import { Why } from './why';

export default function CampaignBoardPage() {
  const { t } = useTranslation('board');
  const { campaign: name = '' } = useParams();
  const board = useBoard();
  const settings = useCampaign(name);
  const may = useMay('supervisor');
  const live = board?.campaigns.find((campaign) => campaign.name === name);
  const back = { to: '/board', text: t('title') };
  const place = encodeURIComponent(name);
  if (settings.isError && !settings.data) return <><PageHeader title={name} back={back} /><Panel><ErrorState error={settings.error} onRetry={() => void settings.refetch()} /></Panel></>;
  if (board && !live && !settings.isFetching) return <><PageHeader title={name} back={back} /><Panel><EmptyState icon="campaigns" title={t('gone')} text={t('goneText', { name })} /></Panel></>;
  if (!live || !settings.data) return <NoBoard />;
  return (
    <>
      <PageHeader
        title={name}
        mark={<CampaignState state={live.state} />}
        back={back}
        text={<Why campaign={live} />}
        actions={
          <>
            <Button component={Link} to={`/campaigns/${place}/why`} variant="default" leftSection={<Icon name="info" size={16} />}>{t('toWhy')}</Button>
            {may && <CampaignControl campaign={settings.data} />}
          </>
        }
      />
      <div className={css.top}>
        <div className={css.column}>
          <Panel title={t('now')}><Now campaign={live} /></Panel>
          <CallsPlot campaign={live} />
        </div>
        <div className={css.column}>
          <Panel title={t('budget.title')}>
            <div className={css.budgets}>
              {live.ledger.map((window) => <Budget key={window.window} window={window} named />)}
              {live.ledger.length === 0 && t('budget.nobody')}
            </div>
          </Panel>
          <Panel title={t('tuning.title')} aside={may && <Link className="op-link" to={`/campaigns/${place}/whatif`}>{t('tuning.tryFirst')}</Link>}><Tuning campaign={settings.data} /></Panel>
        </div>
      </div>
      <Plots campaign={live} />
      <div className={css.below}>
        <Panel title={t('outcomes')} aside={t('sinceStart')}><Outcomes campaign={live} /></Panel>
        <LatenessPanel />
      </div>
    </>
  );
}

function Now({ campaign }: { campaign: BoardCampaign }) {
  const { t } = useTranslation('board');
  const { persons, machines } = answeredBy(campaign);
  return (
    <>
      <div className={css.now}>
        <Figure label={t('talking')} value={number(campaign.talking)} />
        <Figure label={t('waitingForAgent')} value={number(campaign.waiting)} tone={campaign.waiting > 0 ? 'warn' : 'plain'} />
        <Figure label={t('ringing')} value={number(campaign.ringing)} />
        <Figure label={t('listening')} value={number(campaign.answered)} />
        <Figure label={t('inMessage')} value={number(campaign.in_message)} tone={campaign.in_message > 0 ? 'bad' : 'plain'} />
        <Figure label={t('launched')} value={compact(campaign.attempts)} />
        <Figure label={t('persons')} value={compact(persons)} />
        <Figure label={t('machines')} value={compact(machines)} />
        <Figure label={t('occupancy')} value={percent(campaign.occupancy, 0)} />
        <Figure label={t('leadsReady')} value={compact(campaign.leads.ready ?? 0)} />
      </div>
      <div className={css.agents}><AgentsBar agents={campaign.agents} label={t('agentsOf', { name: campaign.name })} /></div>
    </>
  );
}

const CALLS = ['ringing', 'waiting', 'talking'] as const;
const AGENTS = ['agents_talking', 'agents_wrap_up', 'agents_ready', 'agents_on_break'] as const;
const RATE = ['connected', 'abandoned'] as const;
const OCCUPANCY = ['occupancy'] as const;

function CallsPlot({ campaign }: { campaign: BoardCampaign }) {
  const { t } = useTranslation('board');
  const calls = useTrack(campaign.name, CALLS, TRACK_POINTS);
  const go = useNavigate();
  return (
    <Panel>
      <TimeSeries title={t('plot.calls')} data={calls} top={4} pick={{ says: t('plot.pick'), go: (at_s) => void go(`/campaigns/${encodeURIComponent(campaign.name)}/why?at=${at_s * 1_000_000}`) }} lines={[
        { label: t('ringing'), color: '--op-wrap' },
        { label: t('waitingForAgent'), color: '--op-bad' },
        { label: t('talking'), color: '--op-talk', fill: true },
      ]} />
    </Panel>
  );
}

function Plots({ campaign }: { campaign: BoardCampaign }) {
  const { t } = useTranslation('board');
  const { t: common } = useTranslation();
  const agents = useTrack(campaign.name, AGENTS, TRACK_POINTS);
  const [at = [], connected = [], abandoned = []] = useTrack(campaign.name, RATE, TRACK_POINTS);
  const occupancy = useTrack(campaign.name, OCCUPANCY, TRACK_POINTS);
  const limit = campaign.ledger[0]?.limit ?? 0;
  const rates = at.map((_, index) => {
    const lost = abandoned[index] ?? 0;
    const reached = lost + (connected[index] ?? 0);
    return reached > 0 ? lost / reached : 0;
  });
  const limits = at.map(() => limit);
  return (
    <div className={css.plots}>
      <Panel>
        <TimeSeries title={t('agents')} data={agents} top={4} stacked lines={[
          { label: common('agent.talking'), color: '--op-talk' },
          { label: common('agent.wrap_up'), color: '--op-wrap' },
          { label: common('agent.ready'), color: '--op-ready' },
          { label: common('agent.on_break'), color: '--op-break' },
        ]} />
      </Panel>
      <Panel>
        <TimeSeries title={t('abandonRate')} data={[at, rates, limits]} top={0.01} format={(value) => percent(value, 1)} lines={[
          { label: t('abandonRate'), color: '--op-bad', fill: true },
          { label: t('limit'), color: '--op-line-strong', dash: true },
        ]} />
      </Panel>
      <Panel>
        <TimeSeries title={t('occupancy')} data={occupancy} top={1} format={(value) => percent(value, 0)} lines={[{ label: t('occupancy'), color: '--op-ready', fill: true }]} />
      </Panel>
    </div>
  );
}

function Outcomes({ campaign }: { campaign: BoardCampaign }) {
  const { t } = useTranslation('board');
  const names = useWords();
  const bars = Object.entries(campaign.outcomes)
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, count]): Bar => ({
      key: outcome,
      label: names('outcome', outcome),
      value: count,
      color: outcomeColor(outcome),
    }));
  if (bars.length === 0) return <>{t('noOutcomes')}</>;
  return <Bars label={t('outcomes')} heads={[t('outcome'), t('count')]} bars={bars} share />;
}
