/** How far it is, and how to end it. */
import { Button, Progress } from '@mantine/core';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNow_ms } from '../../parts/clock';
import { hours, number, percent } from '../../parts/format';
import { Panel } from '../../parts/panel';
import { leftOf, type Simulation } from './answer';
import { useChangeWords } from './words';
import css from './whatif.module.css';

export function UnderWay({ simulation, onCancel }: { simulation: Simulation; onCancel: () => void }) {
  const { t } = useTranslation('whatif');
  const [ending, setEnding] = useState(false);
  const words = useChangeWords();
  const now_ms = useNow_ms();
  const { state, progress, from_us, attempts } = simulation;
  const first = useRef<{ at_ms: number; progress: number } | null>(null);
  if (progress > 0) first.current ??= { at_ms: now_ms, progress };
  const left_s = leftOf(first.current, now_ms, progress);
  const step = ending ? t('way.ending') : state === 'waiting' ? t('way.waiting') : from_us != null && attempts === 0 ? t('way.reading') : progress < 0.5 ? t('way.before') : t('way.after');
  return (
    <Panel title={t('way.title', { changes: words(simulation.changes) })}>
      <div className={css.way}>
        <Progress value={progress * 100} size="lg" aria-label={t('way.progress')} />
        <div className={css.wayLine}>
          <span role="status">{step}</span>
          <span className={css.wayLeft}>{percent(progress, 0)}{left_s !== null && ` · ${t('way.left', { time: hours(Math.max(1, left_s)) })}`}</span>
        </div>
        {attempts > 0 && <div className={css.hint}>{t('way.from', { attempts: number(attempts), count: simulation.agents, agents: number(simulation.agents) })}</div>}
        <div><Button variant="default" disabled={ending} onClick={() => { setEnding(true); onCancel(); }}>{t('way.cancel')}</Button></div>
      </div>
    </Panel>
  );
}
