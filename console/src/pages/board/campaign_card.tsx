/** One campaign of the board. */
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { Figure, Figures } from '../../parts/figure';
import { number, percent } from '../../parts/format';
import { Panel } from '../../parts/panel';
import { StateBadge, type Tone } from '../../parts/state_badge';

const TONES: Record<string, Tone> = { running: 'ok', paused: 'warn', stopped: 'idle', finished: 'accent' };
const STATES = ['running', 'paused', 'stopped', 'finished'] as const;

export function CampaignState({ state }: { state: string }) {
  const { t } = useTranslation('board');
  const known = STATES.find((one) => one === state);
  return <StateBadge tone={TONES[state] ?? 'idle'} pulse={state === 'running'}>{known ? t(`state.${known}`) : state}</StateBadge>;
}

export function CampaignCard({ campaign }: { campaign: Thing<'CampaignView'> }) {
  const { t } = useTranslation('board');
  const window = campaign.ledger[0];
  return (
    <Panel title={campaign.name} aside={<CampaignState state={campaign.state} />}>
      <Figures>
        <Figure label={t('launched')} value={number(campaign.attempts)} />
        <Figure label={t('connected')} value={number(window?.connected ?? 0)} />
        <Figure label={t('abandonRate')} value={percent(window?.abandon_rate ?? 0)} tone={window && window.abandon_rate > window.limit ? 'bad' : 'plain'} />
      </Figures>
    </Panel>
  );
}
