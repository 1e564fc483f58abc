/** One attempt in words: why it was made, what allowed it, how it went. */
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Thing } from '../api/client';
import { number, percent } from './format';
import { BothTimes } from './moment';
import { Pairs } from './pairs';
import css from './story.module.css';
import { Timeline, type TimelineEntry } from './timeline';
import { useWords } from './words';

type Attempt = Thing<'Attempt'>;

/** `why` is an object that grew over versions: what is there is shown. */
interface Why {
  why?: unknown;
  forecast_person?: unknown;
  forecast_no_agent?: unknown;
}

interface Props {
  attempt: Attempt;
  /** Names of agents by their ids. */
  agents: Map<number, string>;
  /** Where the person lives, IANA. */
  zone?: string | null;
}

export function AttemptStory({ attempt, agents, zone }: Props) {
  const { t } = useTranslation('attempt');
  const word = useWords();
  const why = attempt.why as Why;
  const end = attempt.end;
  const rule = /^not-required:(.+)$/.exec(attempt.consent_rule);
  const wait_us = end?.connected_us != null && end.greeting_end_us != null ? end.connected_us - end.greeting_end_us : null;
  return (
    <div>
      <h3 className={css.title}>{t('why')}</h3>
      {typeof why.why === 'string' && why.why !== '' && <p className={css.text}>{t('because', { why: why.why })}</p>}
      {typeof why.forecast_person === 'number' && <p className={css.text}>{t('forecastPerson', { part: percent(why.forecast_person, 0) })}</p>}
      {typeof why.forecast_no_agent === 'number' && <p className={css.text}>{t('forecastNoAgent', { part: percent(why.forecast_no_agent, 1) })}</p>}
      {attempt.campaign != null && <p className={css.text}><Link className="op-link" to={`/campaigns/${encodeURIComponent(attempt.campaign)}/why?at=${attempt.at_us}`}>{t('toDecision')}</Link></p>}
      <h3 className={css.title}>{t('allowed')}</h3>
      <p className={css.text}>
        {attempt.consent_rule === 'consent-on-file' ? t('consentOnFile') : rule ? t('notRequired', { profile: rule[1]?.toUpperCase() }) : t('rule', { rule: attempt.consent_rule })}
        {attempt.consent_proof && ` ${t('proof', { proof: attempt.consent_proof })}`}
      </p>
      <h3 className={css.title}>{t('went')}</h3>
      <Pairs
        of={[
          [t('decided'), <BothTimes key="at" at_us={attempt.at_us} zone={zone} />],
          [t('number'), t('numberOf', { number: attempt.number, count: attempt.attempt_number })],
          [t('shown'), attempt.caller_id ?? null],
          [t('trunk'), attempt.trunk],
          [t('agent'), end?.agent == null ? null : (agents.get(end.agent) ?? `#${end.agent}`)],
          [t('verdict'), end?.verdict ? word('verdict', end.verdict) : null],
          [t('counted'), end ? word('counted', end.counted_as) : null],
          [t('cause'), end ? [word('whose', end.cause_whose), end.cause_code != null && `SIP ${end.cause_code}`].filter(Boolean).join(', ') : null],
          [t('wait'), wait_us === null ? null : t('waited', { seconds: number(wait_us / 1_000_000, 2) })],
        ]}
      />
      {end?.verdict && <p className={css.text}><Link className="op-link" to={`/listening?open=${attempt.id}`}>{t('toEvidence')}</Link></p>}
      <div style={{ marginTop: 12 }}><Timeline entries={moments(attempt)} /></div>
    </div>
  );
}

/** The moments of an attempt in their order. */
export function moments(attempt: Attempt): TimelineEntry[] {
  const end = attempt.end;
  const all: [string, number | null | undefined, (string | null)?][] = [
    ['decided', attempt.at_us],
    ['ringing', end?.ringing_us],
    ['answered', end?.answered_us],
    ['greeting_end', end?.greeting_end_us],
    ['verdict', end?.verdict_us, end?.verdict],
    ['connected', end?.connected_us],
    ['ended', end?.ended_us],
  ];
  return all
    .filter((one): one is [string, number, (string | null)?] => one[1] != null)
    .map(([what, at_us, detail]) => ({ what, at_us, detail }))
    .sort((a, b) => a.at_us - b.at_us);
}
