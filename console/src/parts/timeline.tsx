/** What happened, one after the other, with the time since the beginning. */
import { useTranslation } from 'react-i18next';
import { fixed, time } from './format';
import { useWords } from './words';
import css from './timeline.module.css';

export interface TimelineEntry {
  at_us: number;
  what: string;
  detail?: string | null;
}

/** What people look for in a call. */
const TONES: Record<string, 'ok' | 'bad' | 'accent'> = { answered: 'ok', bridged: 'accent', message: 'bad', hang_up: 'bad', ended: 'bad' };

/** The codes in a detail as words: `machine (LONGGREETING)`, `callee 486`, `outbound`. Names of people stay. */
function detailOf(what: string, detail: string, words: ReturnType<typeof useWords>): string {
  const [code = '', ...rest] = detail.split(' ');
  const more = rest.join(' ');
  switch (what) {
    case 'began':
      return words('direction', detail);
    case 'verdict':
      // A cause that says the same again says nothing.
      return [words('verdict', code), more.toLowerCase() === `(${code})` ? '' : more].filter(Boolean).join(' ');
    case 'ended':
      return [words('endedBy', code), more].filter(Boolean).join(', ');
    default:
      return detail;
  }
}

export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  const { t } = useTranslation();
  const names = useWords();
  const first_us = entries[0]?.at_us ?? 0;
  if (entries.length === 0) return <div className={css.none}>{t('timeline.none')}</div>;
  return (
    <ol className={css.list}>
      {entries.map((entry, index) => (
        <li key={index} className={css.entry} data-tone={TONES[entry.what]}>
          <span className={css.after} title={time(entry.at_us)}>{t('timeline.after', { seconds: fixed((entry.at_us - first_us) / 1_000_000, 2) })}</span>
          <span className={css.what}>
            {names('moment', entry.what)}
            {entry.detail && <span className={css.detail}> {detailOf(entry.what, entry.detail, names)}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
