/** Words for the API's codes. A code that is newer than this console is shown as it is. */
import { useTranslation } from 'react-i18next';
import { StateBadge, type Tone } from './state_badge';

type Family = 'agent' | 'callState' | 'direction' | 'moment' | 'outcome' | 'storeState' | 'verdict';

/** `names('outcome', 'no_answer')` → "No answer". */
export function useNames(): (family: Family, code: string) => string {
  const { t, i18n } = useTranslation();
  return (family, code) => {
    const key = `${family}.${code}`;
    return i18n.exists(key) ? (t as (key: string) => string)(key) : code.replaceAll('_', ' ');
  };
}

const CALL: Record<string, Tone> = { dialling: 'idle', ringing: 'warn', answered: 'ok', connected: 'accent' };

export function CallState({ state }: { state: string }) {
  const names = useNames();
  return <StateBadge tone={CALL[state] ?? 'idle'}>{names('callState', state)}</StateBadge>;
}
