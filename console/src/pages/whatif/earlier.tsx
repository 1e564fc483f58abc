/** What was asked before about this campaign, to come back to. */
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Page } from '../../api/client';
import { keys } from '../../api/live';
import { date } from '../../parts/format';
import { Panel } from '../../parts/panel';
import type { Simulation } from './answer';
import { useChangeWords } from './words';
import css from './whatif.module.css';

/** More would be read by nobody. */
const SHOWN_MAX = 6;

export function Earlier({ campaign, open, onOpen }: { campaign: string; open: string; onOpen: (simulation: Simulation) => void }) {
  const { t } = useTranslation('whatif');
  const words = useChangeWords();
  const all = useQuery({ queryKey: keys.simulations, queryFn: () => data(api.GET('/api/v1/simulations')) as Promise<Page<Simulation>> });
  const shown = (all.data?.items ?? []).filter((one) => one.campaign === campaign && one.state !== 'cancelled').slice(0, SHOWN_MAX);
  if (shown.length === 0) return null;
  return (
    <Panel title={t('earlier.title')}>
      <ul className={css.earlier}>
        {shown.map((one) => (
          <li key={one.id}>
            <button type="button" aria-current={String(one.id) === open || undefined} onClick={() => onOpen(one)}>
              <span>{words(one.changes)}</span>
              <span className={css.hint}>{one.from_us == null ? t('ask.base') : date(one.from_us)}{one.state === 'done' ? '' : ` · ${t(`earlier.${one.state as 'waiting' | 'running' | 'failed'}`)}`}</span>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
