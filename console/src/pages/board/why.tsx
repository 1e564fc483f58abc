/** Why the pacer launches what it launches, in words by its code; a code that is newer than this console speaks for itself. */
import { useTranslation } from 'react-i18next';
import { Icon, type IconName } from '../../parts/icons';
import css from './board.module.css';

const KINDS: Record<string, { icon: IconName; tone: 'go' | 'wait' | 'fault' }> = {
  not_started: { icon: 'clock', tone: 'wait' },
  not_running: { icon: 'pause', tone: 'wait' },
  no_agents: { icon: 'agents', tone: 'wait' },
  no_leads: { icon: 'lists', tone: 'wait' },
  no_trunk_room: { icon: 'trunks', tone: 'wait' },
  trunk_refuses: { icon: 'trunks', tone: 'fault' },
  store_away: { icon: 'fault', tone: 'fault' },
  on_hold: { icon: 'pause', tone: 'fault' },
  no_fresh_do_not_call: { icon: 'audit', tone: 'fault' },
  no_fresh_reassigned: { icon: 'audit', tone: 'fault' },
  shift_ends: { icon: 'clock', tone: 'wait' },
  one_to_one: { icon: 'play', tone: 'go' },
  ratio: { icon: 'play', tone: 'go' },
  carrier_fails: { icon: 'trunks', tone: 'fault' },
  yields: { icon: 'agents', tone: 'wait' },
  preview: { icon: 'play', tone: 'go' },
  callback: { icon: 'play', tone: 'go' },
  channels: { icon: 'play', tone: 'go' },
  rate: { icon: 'play', tone: 'go' },
  price: { icon: 'play', tone: 'go' },
  ledger_guard: { icon: 'audit', tone: 'wait' },
  ledger_reserve: { icon: 'audit', tone: 'wait' },
};

/** Campaigns that are not running wait for people, whatever the pacer said last. */
const RESTS: Record<string, IconName> = { paused: 'pause', stopped: 'stop', finished: 'ok' };

export function Why({ campaign }: { campaign: { state: string; why: string; why_code: string } }) {
  const { t, i18n } = useTranslation('board');
  const { state, why, why_code } = campaign;
  const rests = RESTS[state];
  const kind = rests ? { icon: rests, tone: 'wait' as const } : KINDS[why_code];
  // `one_to_one` would be taken for the form of a plural.
  const key = rests ? `rests.${state}` : `why.${why_code.replaceAll('_', '-')}`;
  return (
    <div className={css.why} data-tone={kind?.tone ?? 'wait'}>
      <Icon name={kind?.icon ?? 'info'} size={16} />
      <span>{i18n.exists(`board:${key}`) ? (t as (key: string) => string)(key) : why}</span>
    </div>
  );
}
