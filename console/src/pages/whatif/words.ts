/** What was changed, in words. */
import { useTranslation } from 'react-i18next';
import { number, percent } from '../../parts/format';
import type { Simulation } from './answer';

/** "limit 2 %, 5 agents more"; for headings and lists. */
export function useChangeWords(): (changes: Simulation['changes']) => string {
  const { t } = useTranslation('whatif');
  return (changes) => {
    const { limit, agents, more_agents, wrap_up_s, amd, mode, ratio } = changes;
    const parts = [
      limit != null && t('change.limit', { limit: percent(limit, 1) }),
      agents != null && t('change.agents', { count: agents, number: number(agents) }),
      more_agents != null && (more_agents < 0 ? t('change.fewer', { count: -more_agents, number: number(-more_agents) }) : t('change.more', { count: more_agents, number: number(more_agents) })),
      mode != null && (mode === 'power' ? t('change.power', { ratio: number(ratio ?? 0, 2) }) : t('change.mode', { mode: mode === 'progressive' ? t('mode.progressive') : t('mode.predictive') })),
      wrap_up_s != null && t('change.wrapUp', { seconds: number(wrap_up_s) }),
      amd != null && (amd ? t('change.amdOn') : t('change.amdOff')),
    ];
    return parts.filter((part) => part !== false).join(t('change.and'));
  };
}
