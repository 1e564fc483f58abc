/** All campaigns at a glance, each second. `?wall=1` is for a screen on the wall: large, without anything to press. */
import { Button, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useMay } from '../../api/login';
import { useCampaigns } from '../../api/things';
import { EmptyState } from '../../parts/empty_state';
import { Figure } from '../../parts/figure';
import { number, time } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { useWords } from '../../parts/words';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import css from './board.module.css';
import { CampaignCard } from './card';
import { AgentsBar, atWork } from './figures';
import { LatenessPanel } from './lateness';
import { NoBoard } from './no_board';
import { useBoard } from './use_board';

/** Running ones first: they are what people look for. */
const ORDER = ['running', 'paused', 'finished', 'stopped'];

export default function BoardPage() {
  const { t } = useTranslation('board');
  const names = useWords();
  const [query] = useSearchParams();
  const wall = query.has('wall');
  const board = useBoard();
  const may = useMay('supervisor');
  // What starting dials; a board does not say it.
  const lists = new Map(useCampaigns().data?.items.map((campaign) => [campaign.id, campaign.list]));
  const size = wall ? 'large' : 'normal';
  if (!board) return <NoBoard />;
  const campaigns = board.campaigns.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id - b.id);
  const running = campaigns.filter((campaign) => campaign.state === 'running').length;
  return (
    <div data-wall={wall || undefined} className={css.board}>
      <PageHeader
        title={t('title')}
        text={wall ? time(board.at_us) : t('text', { count: running, time: time(board.at_us) })}
        mark={board.store.state === 'ok' ? null : <StateBadge tone="bad">{names('storeState', board.store.state)}</StateBadge>}
        actions={wall ? undefined : <Button component={Link} to="/board?wall=1" target="_blank" variant="default" leftSection={<Icon name="screen" size={16} />}>{t('wall')}</Button>}
      />
      <section className={css.strip} aria-label={t('now')}>
        <Figure size={size} label={t('calls')} value={number(board.calls)} />
        <Figure size={size} label={t('callsPerS')} value={number(board.calls_per_s, 1)} />
        <Figure size={size} label={t('agentsAtWork')} value={number(atWork(board.agents))} note={board.agents.logged_out > 0 ? t('loggedOut', { count: board.agents.logged_out }) : undefined} />
        <div className={css.stripAgents}>
          <AgentsBar agents={board.agents} label={t('agents')} size={size} />
        </div>
      </section>
      {campaigns.length === 0 ? (
        <Panel>
          <EmptyState
            icon="campaigns"
            title={t('none')}
            text={may ? t('noneText') : t('noneTextRead')}
            action={may && !wall && (
              <Group gap="sm" justify="center">
                <Button component={Link} to="/lists" variant="default">{t('toLists')}</Button>
                <Button component={Link} to="/campaigns/new">{t('toNew')}</Button>
              </Group>
            )}
          />
        </Panel>
      ) : (
        <div className={css.cards}>
          {campaigns.map((campaign) => <CampaignCard key={campaign.id} campaign={campaign} list={lists.get(campaign.id)} wall={wall} alone={campaigns.length === 1} />)}
          {!wall && <LatenessPanel />}
        </div>
      )}
    </div>
  );
}
