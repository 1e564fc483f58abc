/** How an import stands, in a word. */
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { StateBadge, type Tone } from '../../parts/state_badge';

type Import = Thing<'Import'>;

const TONES: Record<string, Tone> = { running: 'accent', done: 'ok', paused: 'warn', failed: 'bad', cancelled: 'warn' };

export function ImportBadge({ item }: { item: Import }) {
  const { t } = useTranslation('lists');
  const known = item.state in TONES ? (item.state as 'running' | 'paused' | 'done' | 'failed' | 'cancelled') : null;
  const words = known === 'done' && item.dry_run ? t('state.rehearsed') : known ? t(`state.${known}`) : item.state;
  return <StateBadge tone={TONES[item.state] ?? 'idle'} pulse={item.state === 'running'}>{words}</StateBadge>;
}
