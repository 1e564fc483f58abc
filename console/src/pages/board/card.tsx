/** One campaign of the board. */
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { BoardCampaign } from '../../api/boards';
import { useMay } from '../../api/login';
import { CampaignControl, CampaignState } from '../../parts/campaign_control';
import { Figure } from '../../parts/figure';
import { compact, number, percent } from '../../parts/format';
import { TimeSeries } from '../../parts/time_series';
import { Budget, tightest } from './budget';
import css from './board.module.css';
import { AgentsBar, answeredBy, atWork } from './figures';
import { useTrack } from './use_board';
import { Why } from './why';

/** What a card's plot shows: five minutes. */
const CARD_POINTS = 300;
const PLOT_PX = { card: 64, wall: 90, alone: 300 } as const;
const COLUMNS = ['ringing', 'talking'] as const;

export interface CampaignCardProps {
  campaign: BoardCampaign;
  list: string | undefined;
  wall: boolean;
  /** No other campaign wants the wall's room. */
  alone: boolean;
}

export function CampaignCard({ campaign, list, wall, alone }: CampaignCardProps) {
  const { t } = useTranslation('board');
  const track = useTrack(campaign.name, COLUMNS, CARD_POINTS);
  const may = useMay('supervisor');
  const window = tightest(campaign.ledger);
  const size = wall ? 'large' : 'normal';
  const { persons, machines } = answeredBy(campaign);
  return (
    <article className={css.card} aria-label={campaign.name} data-wall={wall || undefined}>
      <header className={css.cardHead}>
        <h2 className={css.cardTitle}>
          {wall ? campaign.name : <Link to={`/board/${encodeURIComponent(campaign.name)}`}>{campaign.name}</Link>}
        </h2>
        <CampaignState state={campaign.state} />
      </header>
      <Why campaign={campaign} />
      <div className={css.cardFigures}>
        <Figure size={size} label={t('talking')} value={number(campaign.talking)} note={campaign.waiting > 0 ? t('waitingNow', { count: campaign.waiting }) : undefined} />
        <Figure size={size} label={t('ringing')} value={number(campaign.ringing)} />
        <Figure size={size} label={t('launched')} value={compact(campaign.attempts)} />
        <Figure size={size} label={t('occupancy')} value={atWork(campaign.agents) > 0 ? percent(campaign.occupancy, 0) : t('nobody')} tone={atWork(campaign.agents) > 0 ? 'plain' : 'dim'} />
      </div>
      <div className={css.cardPlot}>
        <TimeSeries compact title={t('lastMinutes', { count: CARD_POINTS / 60 })} height={PLOT_PX[wall ? (alone ? 'alone' : 'wall') : 'card']} data={track} top={4}
          lines={[{ label: t('ringing'), color: '--op-wrap' }, { label: t('talking'), color: '--op-talk', fill: true }]} />
      </div>
      {window && <Budget window={window} size={size} />}
      <AgentsBar agents={campaign.agents} label={t('agentsOf', { name: campaign.name })} size={size} />
      <footer className={css.cardFoot}>
        <span>{t('answeredBy', { persons: compact(persons), machines: compact(machines) })}</span>
        {!wall && may && list !== undefined && <div className={css.controls}><CampaignControl campaign={{ ...campaign, list }} size="xs" /></div>}
      </footer>
    </article>
  );
}
