/** What an agent does, in a word and a colour. */
import { useTranslation } from 'react-i18next';
import { StateBadge, type Tone } from './state_badge';

export const AGENT_STATES = ['ready', 'reserved', 'talking', 'wrap_up', 'on_break', 'logged_out'] as const;
export type AgentState = (typeof AGENT_STATES)[number];

const TONES: Record<AgentState, Tone> = { ready: 'ok', reserved: 'ok', talking: 'accent', wrap_up: 'warn', on_break: 'idle', logged_out: 'idle' };

export function isAgentState(state: string): state is AgentState {
  return (AGENT_STATES as readonly string[]).includes(state);
}

export function AgentStateBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  return isAgentState(state) ? <StateBadge tone={TONES[state]}>{t(`agent.${state}`)}</StateBadge> : <StateBadge tone="idle">{state}</StateBadge>;
}
