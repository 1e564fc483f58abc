/** Where a person's numbers stand on lists. */
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Thing } from '../../api/client';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { leadTone, useWords } from '../../parts/words';
import css from './contact.module.css';

export function OnLists({ leads }: { leads: Thing<'ContactLead'>[] }) {
  const { t } = useTranslation('contacts');
  const word = useWords();
  return (
    <Panel title={t('onLists')}>
      {leads.length === 0 ? (
        <div className={css.none}>{t('onNoList')}</div>
      ) : (
        <ul className={css.rows}>
          {leads.map((lead) => (
            <li key={lead.id} className={css.row}>
              <span className={css.main}>
                {lead.list ? <Link className="op-link" to={`/lists/${encodeURIComponent(lead.list)}`}>{lead.list}</Link> : t('listGone')}
                <span className={css.dim}>
                  {lead.number} · {t('attemptCount', { count: lead.attempt_number })}
                  {lead.last_outcome && ` · ${word('outcome', lead.last_outcome)}`}
                </span>
                {lead.next_at_us != null && <span className={css.dim}>{t('notBefore')} <Moment at_us={lead.next_at_us} /></span>}
              </span>
              <StateBadge tone={leadTone(lead.state)}>{word('lead', lead.state)}</StateBadge>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
