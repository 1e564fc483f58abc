/** Each attempt at a person, the latest first: what came of it, and on demand why it was made and what allowed it. */
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { useAgentNames } from '../../api/things';
import { AttemptStory } from '../../parts/attempt_story';
import { BothTimes } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { outcomeTone, useWords } from '../../parts/words';
import css from './contact.module.css';

type ContactDetail = Thing<'ContactDetail'>;

export function Attempts({ contact }: { contact: ContactDetail }) {
  const { t } = useTranslation('contacts');
  const word = useWords();
  const agents = useAgentNames();
  return (
    <Panel title={t('attempts')} aside={contact.timezone ? undefined : t('zoneUnknown')}>
      {contact.attempts.length === 0 ? (
        <div className={css.none}>{t('noAttempts')}</div>
      ) : (
        contact.attempts.map((attempt) => {
          const outcome = attempt.end?.outcome;
          const said = contact.dispositions.filter((one) => one.attempt === attempt.id);
          return (
            <details key={attempt.id} className={css.attempt}>
              <summary>
                <StateBadge tone={outcome ? outcomeTone(outcome) : 'accent'} pulse={!outcome}>{outcome ? word('outcome', outcome) : t('underWay')}</StateBadge>
                <b><BothTimes at_us={attempt.at_us} zone={contact.timezone} /></b>
                <span className={css.dim}>{[attempt.campaign, attempt.number].filter(Boolean).join(' · ')}</span>
                {said.map((one) => <StateBadge key={one.at_us} tone="idle">{one.code}</StateBadge>)}
              </summary>
              <div className={css.story}>
                <AttemptStory attempt={attempt} agents={agents} zone={contact.timezone} />
                {said.filter((one) => one.note).map((one) => <p key={one.at_us} className={css.dim}>{t('note', { code: one.code, note: one.note })}</p>)}
              </div>
            </details>
          );
        })
      )}
    </Panel>
  );
}
