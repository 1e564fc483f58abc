/** One decision: a plain sentence first, then what would have made it dial more, then every number with what it means. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { date, fixed, number, percent, time } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Panel } from '../../parts/panel';
import { StackBar } from '../../parts/stack_bar';
import { useWindowName } from '../board/budget';
import { countedRoom, kindOf, moreOf, tightest, type Decision } from './decision';
import css from './why.module.css';

/** The time with its tenth of a second: decisions are that near to each other. */
export function exact(at_us: number): string {
  const tenth = Math.floor((at_us % 1_000_000) / 100_000);
  return time(at_us).replace(/(:\d\d)(?!.*:\d\d)/, `$1.${tenth}`);
}

const many = (value: number) => number(value, value < 10 ? 1 : 0);

export function Explained({ decision, name, asked_us }: { decision: Decision; name: string; asked_us: number | null }) {
  const { t, i18n } = useTranslation(['why', 'common']);
  const nameOf = useWindowName();
  const { agents, calls, forecast, room, launched, price, no_agent } = decision;
  const kind = kindOf(decision);
  const window = tightest(decision);
  // `one_to_one` would be taken for the form of a plural.
  const reason = `because.${(kind === 'waits' ? decision.why_code : kind).replaceAll('_', '-')}`;
  const because = i18n.exists(`why:${reason}`) ? (t as (key: string) => string)(reason) : `${decision.why}.`;
  const more = moreOf(decision);
  const forecasts = kind === 'price' || kind === 'full' || kind === 'reserve';
  // Nobody decided anything for a while: what held then was decided before.
  const before = asked_us !== null && asked_us - decision.at_us > 1_000_000;
  return (
    <Panel className={css.first}>
      {/* What follows the present changes too often to be read out. */}
      <p className={css.sentence} role={asked_us === null ? undefined : 'status'}>
        {launched > 0 ? t('launched', { at: exact(decision.at_us), name, count: launched, number: number(launched) }) : t('launchedNone', { at: exact(decision.at_us), name })} {because}
      </p>
      <p className={css.then}>
        {t('then', {
          free: t('n.free', { count: agents.idle, number: number(agents.idle) }),
          ringing: t('n.ringing', { count: calls.ringing, number: number(calls.ringing) }),
        })}{' '}
        {forecasts && t('expected', { horizon: number(forecast.ahead_s), answers: many(forecast.answers), free: many(forecast.free) })}{' '}
        {forecasts && no_agent && t('chance', { count: launched, last: percent(no_agent.last, 1), price: percent(price, 1) })}{' '}
        {kind === 'full' && t('oneMore', { price: percent(price, 1) })}
      </p>
      {before && <p className={css.then}>{t('since', { at: exact(decision.at_us) })}</p>}
      {more.length > 0 && (
        <>
          <h2 className={css.heading}>{t('more.title')}</h2>
          <ul className={css.more}>
            {more.map((one) => (
              <li key={one}>
                <Icon name="plus" size={14} />
                {t(`more.${one}`, {
                  channels: number(room.channels),
                  rate: number(room.rate),
                  leads: number(room.leads),
                  ringing: number(calls.ringing),
                  window: window ? nameOf(window.window) : '',
                  slack: window ? number(Math.max(0, Math.floor(window.slack))) : '',
                })}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** Every number of it. */
export function Saw({ decision }: { decision: Decision }) {
  const { t } = useTranslation(['why', 'common']);
  const nameOf = useWindowName();
  const { agents, calls, forecast, room, ledgers, price, target, calibration, no_agent } = decision;
  // Modes without a forecast have nothing but zeros here.
  const forecasts = price > 0 || forecast.person > 0;
  return (
    <Panel title={t('numbers.title')} aside={`${date(decision.at_us)} ${exact(decision.at_us)}`}>
      <h3 className={css.heading}>{t('numbers.agents')}</h3>
      <StackBar
        label={t('numbers.agents')}
        segments={[
          { key: 'talking', label: t('common:agent.talking'), value: agents.talking, color: '--op-talk' },
          { key: 'wrap_up', label: t('common:agent.wrap_up'), value: agents.wrap_up, color: '--op-wrap' },
          { key: 'idle', label: t('numbers.idle'), value: agents.idle, color: '--op-ready' },
        ]}
      />
      <Group title={t('numbers.calls')}>
        <Fact name={t('numbers.ringing')} value={number(calls.ringing)} hint={t('numbers.ringingHint')} />
        <Fact name={t('numbers.answered')} value={number(calls.answered)} hint={t('numbers.answeredHint')} />
        <Fact name={t('numbers.waiting')} value={number(calls.waiting)} hint={t('numbers.waitingHint')} />
      </Group>
      {forecasts && <Group title={t('numbers.forecast', { horizon: number(forecast.ahead_s) })}>
        <Fact name={t('numbers.answers')} value={many(forecast.answers)} hint={t('numbers.answersHint')} />
        <Fact name={t('numbers.free')} value={many(forecast.free)} hint={t('numbers.freeHint')} />
        <Fact name={t('numbers.person')} value={percent(forecast.person, 0)} hint={t('numbers.personHint')} />
        {no_agent && <Fact name={t('numbers.first')} value={percent(no_agent.first, 2)} hint={t('numbers.firstHint')} />}
        {no_agent && <Fact name={t('numbers.last')} value={percent(no_agent.last, 2)} hint={t('numbers.lastHint')} />}
      </Group>}
      {forecasts && <Group title={t('numbers.rule')}>
        <Fact name={t('numbers.price')} value={percent(price, 2)} hint={t('numbers.priceHint')} />
        <Fact name={t('numbers.target')} value={percent(target, 2)} hint={t('numbers.targetHint')} />
        <Fact name={t('numbers.calibration')} value={`× ${fixed(calibration, 2)}`} hint={t('numbers.calibrationHint')} />
      </Group>}
      <Group title={t('numbers.ledgers')} none={ledgers.length === 0 && t('numbers.noLedger')}>
        {ledgers.map((one) => (
          <Fact
            key={one.window}
            name={nameOf(one.window)}
            value={one.slack >= 1 ? t('numbers.slack', { count: Math.floor(one.slack), number: number(Math.floor(one.slack)) }) : t('numbers.noSlack')}
            hint={t('numbers.ledgerHint', { abandoned: number(one.abandoned, 1), answered: number(one.answered), limit: percent(one.limit, 1) })}
          />
        ))}
      </Group>
      <Group title={t('numbers.room')} none={!countedRoom(decision) && t('numbers.noRoom')}>
        <Fact name={t('numbers.channels')} value={number(room.channels)} hint={t('numbers.channelsHint')} />
        <Fact name={t('numbers.rate')} value={number(room.rate)} hint={t('numbers.rateHint')} />
        <Fact name={t('numbers.leads')} value={number(room.leads)} hint={t('numbers.leadsHint')} />
      </Group>
    </Panel>
  );
}

/** Facts below a heading; `none` says why there are none. */
function Group({ title, none, children }: { title: string; none?: string | false; children: ReactNode }) {
  return (
    <>
      <h3 className={css.heading}>{title}</h3>
      {none ? <div className={css.hint}>{none}</div> : <dl className={css.numbers}>{children}</dl>}
    </>
  );
}

function Fact({ name, value, hint }: { name: string; value: string; hint: string }) {
  return (
    <div>
      <dt>{name}<span className={css.hint}>{hint}</span></dt>
      <dd>{value}</dd>
    </div>
  );
}
