/** How far a call is, in a word and a colour. */
import { StateBadge, type Tone } from './state_badge';
import { useWords } from './words';

const TONES: Record<string, Tone> = { dialling: 'idle', ringing: 'warn', answered: 'ok', connected: 'accent' };

export function CallState({ state }: { state: string }) {
  const words = useWords();
  return <StateBadge tone={TONES[state] ?? 'idle'}>{words('callState', state)}</StateBadge>;
}
