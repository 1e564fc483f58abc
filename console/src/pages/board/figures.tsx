/** What both the card and the page of a campaign say about it. */
import { useTranslation } from 'react-i18next';
import type { AgentCounts, BoardCampaign } from '../../api/boards';
import { StackBar } from '../../parts/stack_bar';

/** Outcomes of calls that a person answered. */
const PERSONS = ['connected', 'abandoned', 'message', 'hung_up_waiting', 'hung_up_early'];
/** Of calls that something else answered. */
const MACHINES = ['machine', 'message_left', 'ivr', 'screening', 'fax'];

/** Answered calls that are over, by who answered. */
export function answeredBy(campaign: BoardCampaign): { persons: number; machines: number } {
  const sum = (outcomes: string[]) => outcomes.reduce((total, outcome) => total + (campaign.outcomes[outcome] ?? 0), 0);
  return { persons: sum(PERSONS) + campaign.talking + campaign.waiting + campaign.in_message, machines: sum(MACHINES) };
}

export function AgentsBar({ agents, label, size }: { agents: AgentCounts; label: string; size?: 'normal' | 'large' }) {
  const { t } = useTranslation('common');
  return (
    <StackBar
      label={label}
      size={size}
      segments={[
        { key: 'talking', label: t('agent.talking'), value: agents.talking, color: '--op-talk' },
        { key: 'wrap_up', label: t('agent.wrap_up'), value: agents.wrap_up, color: '--op-wrap' },
        { key: 'ready', label: t('agent.ready'), value: agents.ready + agents.reserved, color: '--op-ready' },
        { key: 'on_break', label: t('agent.on_break'), value: agents.on_break, color: '--op-break' },
      ]}
    />
  );
}

/** Somebody is logged in at all. */
export function atWork(agents: AgentCounts): number {
  return agents.ready + agents.reserved + agents.talking + agents.wrap_up + agents.on_break;
}
