/** The answer: in words first, then over the day, then each figure with its band; and the way to make it so. */
import { Button } from '@mantine/core';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { putCampaign } from '../../api/live';
import { ask } from '../../parts/confirm';
import { date, fixed, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Panel } from '../../parts/panel';
import { TimeSeries } from '../../parts/time_series';
import { tellDone, tellProblem } from '../../parts/told';
import { applicable, courseOf, difference, FIGURES, MEASURES, type Course, type Difference, type FigureName, type Measure, type Side, type Simulation } from './answer';
import { useChangeWords } from './words';
import css from './whatif.module.css';

type CampaignView = Thing<'CampaignView'>;

export function Result({ simulation, campaign }: { simulation: Simulation; campaign: CampaignView }) {
  const { t } = useTranslation('whatif');
  const words = useChangeWords();
  const { before, after, attempts, from_us } = simulation;
  if (!before || !after) return null;
  const differences = FIGURES.map((figure) => difference(figure, before, after));
  return (
    <>
      <Panel title={t('result.title', { changes: words(simulation.changes) })}>
        <Words differences={differences} before={before} after={after} />
        <div className={css.hint}>
          {from_us == null
            ? t('result.ofBase', { count: after.days, days: number(after.days) })
            : t('result.ofDay', { day: date(from_us), attempts: number(attempts), count: after.days, days: number(after.days) })}
        </div>
        <Apply simulation={simulation} campaign={campaign} />
      </Panel>
      <Courses simulation={simulation} />
      <Panel title={t('table.title')} aside={t('table.aside')}><Figures differences={differences} before={before} after={after} /></Panel>
    </>
  );
}

/** A figure as people write it; a difference of shares is in points. */
function useWrite(): { value: (figure: FigureName, value: number) => string; by: (figure: FigureName, by: number) => string } {
  const { t } = useTranslation('whatif');
  const digits = { occupancy: 1, abandon_rate: 2 } as const;
  // An average of few people has a part of one that says something.
  const count = (one: number) => number(one, Math.abs(one) < 10 ? 1 : 0);
  const value = (figure: FigureName, one: number) =>
    figure === 'occupancy' || figure === 'abandon_rate' ? percent(one, digits[figure]) : figure === 'talk_minutes_per_agent_hour' ? t('write.minutes', { minutes: fixed(one, 1) }) : count(one);
  const by = (figure: FigureName, one: number) =>
    figure === 'occupancy' || figure === 'abandon_rate'
      ? t('write.points', { points: fixed(100 * one, digits[figure]) })
      : figure === 'talk_minutes_per_agent_hour' ? t('write.minutes', { minutes: fixed(one, 1) }) : count(one);
  return { value, by };
}

function Words({ differences, before, after }: { differences: Difference[]; before: Side; after: Side }) {
  const { t } = useTranslation('whatif');
  const { value, by } = useWrite();
  // The rate says the same as the number of abandoned, and talk the same as occupancy: each pair in one sentence.
  const told = differences.filter(({ figure }) => figure !== 'abandon_rate' && figure !== 'talk_minutes_per_agent_hour');
  const beside = { occupancy: 'talk_minutes_per_agent_hour', abandoned: 'abandon_rate' } as const;
  const clear = told.filter((one) => one.way !== 'level');
  const level = told.filter((one) => one.way === 'level');
  const over = after.days_over_limit;
  return (
    <ul className={css.words}>
      {clear.map((one) => {
        const other = differences.find(({ figure }) => figure === beside[one.figure as keyof typeof beside]);
        return (
          <Line key={one.figure} tone={one.good ? 'ok' : one.figure === 'attempts' ? 'plain' : 'warn'} icon={one.way === 'up' ? 'up' : 'down'}>
            {t(`says.${one.figure as 'occupancy' | 'connected' | 'abandoned' | 'attempts'}.${one.way as 'up' | 'down'}`, {
              before: value(one.figure, one.before.mean),
              after: value(one.figure, one.after.mean),
              by: by(one.figure, Math.abs(one.by)),
              ...(other && { otherBefore: value(other.figure, other.before.mean), otherAfter: value(other.figure, other.after.mean), otherBy: by(other.figure, Math.abs(other.by)) }),
            })}
          </Line>
        );
      })}
      {level.length > 0 && <Line tone="plain" icon="level">{t('says.level', { list: level.map((one) => t(`figure.${one.figure}`)).join(t('change.and')) })}</Line>}
      <Line tone={over > 0 ? 'bad' : 'ok'} icon={over > 0 ? 'warn' : 'ok'}>
        {over > 0
          ? t('says.over', { limit: percent(after.limit, 1), count: over, over: number(over), days: number(after.days), before: number(before.days_over_limit) })
          : t('says.within', { limit: percent(after.limit, 1), count: after.days, days: number(after.days) })}
      </Line>
    </ul>
  );
}

function Line({ tone, icon, children }: { tone: 'ok' | 'warn' | 'bad' | 'plain'; icon: 'up' | 'down' | 'level' | 'warn' | 'ok'; children: ReactNode }) {
  return (
    <li data-tone={tone}>
      <span className={css.mark}><Icon name={icon === 'level' ? 'minus' : icon} size={16} /></span>
      <span>{children}</span>
    </li>
  );
}

function Apply({ simulation, campaign }: { simulation: Simulation; campaign: CampaignView }) {
  const { t } = useTranslation(['whatif', 'common']);
  const words = useChangeWords();
  const wanted = applicable(simulation.changes);
  const settings = campaign.settings as Record<string, unknown>;
  const left = Object.entries(wanted).filter(([key, value]) => settings[key] !== value);
  const { more_agents, agents, wrap_up_s } = simulation.changes;
  const people = [
    (more_agents != null || agents != null) && <span key="agents">{t('apply.agents')} <Link className="op-link" to="/agents">{t('apply.toAgents')}</Link></span>,
    wrap_up_s != null && <span key="wrap">{t('apply.wrapUp')}</span>,
  ].filter(Boolean);
  const send = async (body: object) => {
    putCampaign(await data(api.PATCH('/api/v1/campaigns/{name}', { params: { path: { name: campaign.name } }, body: body as Record<string, never> })));
  };
  const apply = () => {
    // What was not set goes back to its default.
    const old = Object.fromEntries(left.map(([key]) => [key, settings[key] ?? null]));
    ask({
      title: t('apply.ask', { name: campaign.name }),
      text: (
        <>
          <p>{t('apply.will', { changes: words(Object.fromEntries(left) as Simulation['changes']) })}</p>
          <p>{campaign.state === 'running' ? t('apply.atOnce') : t('apply.later')}</p>
        </>
      ),
      verb: t('apply.verb'),
      run: async () => {
        await send(Object.fromEntries(left));
        const undo = () => void send(old).then(() => tellDone(t('apply.undone', { name: campaign.name })), tellProblem);
        tellDone(t('apply.done', { name: campaign.name }), { text: t('common:action.undo'), run: undo });
      },
    });
  };
  return (
    <div className={css.apply}>
      {left.length > 0 && <Button onClick={apply}>{t('apply.button', { name: campaign.name })}</Button>}
      {left.length === 0 && Object.keys(wanted).length > 0 && <span className={css.applied}><Icon name="ok" size={16} /> {t('apply.isSo', { name: campaign.name })}</span>}
      {people.length > 0 && <div className={css.hint}>{people}</div>}
    </div>
  );
}

const WRITTEN: Record<Measure, (value: number) => string> = {
  occupancy: (value) => percent(value, 0),
  abandon_rate: (value) => percent(value, 1),
  budget_left: (value) => number(value, 1),
};

/** The limit as a line of its own, behind the two and before their bands. */
function withLimit([at, before, after, ...bands]: Course, limit: number): Course {
  return [at, before ?? [], after ?? [], at.map(() => limit), ...bands];
}

function Courses({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation('whatif');
  const now = useMemo(() => new Date(), []);
  const courses = useMemo(() => MEASURES.map((measure) => [measure, courseOf(simulation, measure, now)] as const), [simulation, now]);
  if (courses.some(([, course]) => course === null)) return <Panel title={t('course.title')}><div className={css.hint}>{t('course.short')}</div></Panel>;
  return (
    <Panel title={t('course.title')} aside={t('course.aside')}>
      <div className={css.courses}>
        {courses.map(([measure, course]) => course && (
          <div key={measure}>
            <TimeSeries
              over
              title={t(`course.${measure}`)}
              data={measure === 'abandon_rate' ? withLimit(course, simulation.after?.limit ?? 0) : course}
              height={210}
              fit={measure === 'occupancy'}
              top={measure === 'budget_left' ? 2 : measure === 'occupancy' ? 1 : 0.01}
              format={WRITTEN[measure]}
              lines={[
                { label: t('table.before'), color: '--op-line-strong', band: true, dash: true },
                { label: t('table.after'), color: '--op-talk', band: true },
                ...(measure === 'abandon_rate' ? [{ label: t('course.limit'), color: '--op-bad' as const, dash: true }] : []),
              ]}
            />
            <div className={css.hint}>{t(`course.${measure}Text`)}</div>
          </div>
        ))}
      </div>
    </Panel>
  );
}

function Figures({ differences, before, after }: { differences: Difference[]; before: Side; after: Side }) {
  const { t } = useTranslation('whatif');
  const { value, by } = useWrite();
  const bare = (figure: FigureName, one: number) => (figure === 'talk_minutes_per_agent_hour' ? fixed(one, 1) : value(figure, one));
  const band = ({ figure }: Difference, side: Difference['before']) => t('table.band', { low: bare(figure, side.low), high: bare(figure, side.high) });
  return (
    <div className={css.tableBox} tabIndex={0} role="group" aria-label={t('table.title')}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{t('table.figure')}</th>
            <th scope="col">{t('table.before')}</th>
            <th scope="col">{t('table.after')}</th>
            <th scope="col">{t('table.difference')}</th>
          </tr>
        </thead>
        <tbody>
          {differences.map((one) => (
            <tr key={one.figure}>
              <th scope="row">{t(`figure.${one.figure}`)}<div className={css.hint}>{t(`figureText.${one.figure}`)}</div></th>
              <td><b>{value(one.figure, one.before.mean)}</b><div className={css.hint}>{band(one, one.before)}</div></td>
              <td><b>{value(one.figure, one.after.mean)}</b><div className={css.hint}>{band(one, one.after)}</div></td>
              <td data-tone={one.way === 'level' || one.figure === 'attempts' ? 'plain' : one.good ? 'ok' : 'warn'}>
                <b>{one.by > 0 ? '+' : one.by < 0 ? '−' : ''}{by(one.figure, Math.abs(one.by))}</b>
                {one.way === 'level' && <div className={css.hint}>{t('table.chance')}</div>}
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">{t('figure.days_over_limit')}<div className={css.hint}>{t('figureText.days_over_limit', { before: percent(before.limit, 1), after: percent(after.limit, 1) })}</div></th>
            <td><b>{t('table.ofDays', { over: number(before.days_over_limit), days: number(before.days) })}</b></td>
            <td><b>{t('table.ofDays', { over: number(after.days_over_limit), days: number(after.days) })}</b></td>
            <td />
          </tr>
        </tbody>
      </table>
    </div>
  );
}
