/** What happened, one after the other, with the time since the beginning. */
import { useTranslation } from 'react-i18next';
import { number, time } from './format';
import { useNames } from './names';
import css from './timeline.module.css';

export interface TimelineEntry {
  at_us: number;
  what: string;
  detail?: string | null;
}

/** What people look for in a call. */
const TONES: Record<string, 'ok' | 'bad' | 'accent'> = { answered: 'ok', bridged: 'accent', message: 'bad', hang_up: 'bad', ended: 'bad' };

export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  const { t } = useTranslation();
  const names = useNames();
  const first_us = entries[0]?.at_us ?? 0;
  if (entries.length === 0) return <div className={css.none}>{t('timeline.none')}</div>;
  return (
    <ol className={css.list}>
      {entries.map((entry, index) => (
        <li key={index} className={css.entry} data-tone={TONES[entry.what]}>
          <span className={css.after} title={time(entry.at_us)}>{t('timeline.after', { seconds: number((entry.at_us - first_us) / 1_000_000, 2) })}</span>
          <span className={css.what}>
            {names('moment', entry.what)}
            {entry.detail && <span className={css.detail}> {entry.what === 'verdict' ? names('verdict', entry.detail) : entry.detail}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
