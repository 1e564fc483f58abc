/** Whether everything that calls need is there, what to do where it is not, and how the engine keeps its time. */
import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { ErrorState } from '../../parts/error_state';
import { Figure, Figures } from '../../parts/figure';
import { clock, number, percent, shortSpan } from '../../parts/format';
import { Icon, type IconName } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge, type Tone } from '../../parts/state_badge';
import { LatenessPanel } from '../board/lateness';
import css from './health.module.css';

const HEALTH_EVERY_MS = 5_000;
const ENGINE_EVERY_MS = 2_000;
const STATES = ['ok', 'warn', 'fail'] as const;
const TONES: Record<(typeof STATES)[number], Tone> = { ok: 'ok', warn: 'warn', fail: 'bad' };
const ICONS: Record<(typeof STATES)[number], IconName> = { ok: 'ok', warn: 'warn', fail: 'fault' };

export default function HealthPage() {
  const { t } = useTranslation('health');
  const health = useQuery({ queryKey: ['health'], queryFn: () => data(api.GET('/api/v1/health')), refetchInterval: HEALTH_EVERY_MS });
  const ready = health.data?.ready;
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} mark={health.data && <StateBadge tone={ready ? 'ok' : 'bad'}>{ready ? t('ready') : t('notReady')}</StateBadge>} />
      <Stack gap="md">
        {health.isError && !health.data && <Panel><ErrorState error={health.error} onRetry={() => void health.refetch()} /></Panel>}
        {health.data && <Checks checks={health.data.checks} />}
        <Engine />
        <LatenessPanel />
      </Stack>
    </>
  );
}

type Check = Thing<'Check'>;

const stateOf = (check: Check) => STATES.find((state) => state === check.state) ?? 'warn';

/** What needs somebody stands first. */
function Checks({ checks }: { checks: Check[] }) {
  const { t, i18n } = useTranslation('health');
  const sorted = [...checks].sort((a, b) => STATES.indexOf(stateOf(b)) - STATES.indexOf(stateOf(a)));
  const count = (state: (typeof STATES)[number]) => checks.filter((check) => stateOf(check) === state).length;
  const [faults, warnings] = [count('fail'), count('warn')];
  const nameOf = (name: string) => (i18n.exists(`health:name.${name}`) ? (t as (key: string) => string)(`name.${name}`) : name);
  return (
    <Panel
      title={t('checks')}
      flush
      aside={<span role="status">{faults + warnings === 0 ? t('allWell') : [faults > 0 && t('faults', { count: faults }), warnings > 0 && t('warnings', { count: warnings })].filter(Boolean).join(' ')}</span>}
    >
      <ul className={css.checks}>
        {sorted.map((check) => {
          const state = stateOf(check);
          return (
            <li key={`${check.name} ${check.what}`} className={css.check} data-state={state}>
              <Icon name={ICONS[state]} size={20} className={css.icon} />
              <div className={css.words}>
                <div className={css.name}>{nameOf(check.name)}</div>
                <div>{check.what}</div>
                {check.mend && state !== 'ok' && <div className={css.mend}>{check.mend}</div>}
              </div>
              <StateBadge tone={TONES[state]}>{t(`state.${state}`)}</StateBadge>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function Engine() {
  const { t } = useTranslation('health');
  const engine = useQuery({ queryKey: ['engine'], queryFn: () => data(api.GET('/api/v1/engine')), refetchInterval: ENGINE_EVERY_MS });
  if (engine.isError && !engine.data) return <Panel title={t('engine.title')}><ErrorState error={engine.error} onRetry={() => void engine.refetch()} /></Panel>;
  if (!engine.data) return null;
  const { totals, shards, driver, version, uptime_s } = engine.data;
  const late = (count: number) => ({ value: number(count), note: t('engine.ofSent', { sent: number(totals.packets_sent) }), tone: totals.packets_sent > 0 && count / totals.packets_sent > 0.001 ? ('warn' as const) : ('plain' as const) });
  return (
    <Panel title={t('engine.title')} aside={t('engine.uptime', { time: clock(uptime_s * 1_000) })}>
      <Figures>
        <Figure size="small" label={t('engine.driver')} value={driver} />
        <Figure size="small" label={t('engine.version')} value={version} />
        <Figure size="small" label={t('engine.legs')} value={number(totals.legs)} />
        <Figure size="small" label={t('engine.sent')} value={number(totals.packets_sent)} />
        <Figure size="small" label={t('engine.received')} value={number(totals.packets_received)} />
        <Figure size="small" label={t('engine.late1')} {...late(totals.late_over_1ms)} />
        <Figure size="small" label={t('engine.late20')} {...late(totals.late_over_20ms)} />
      </Figures>
      <div className={css.scroll} tabIndex={0} role="region" aria-label={t('engine.shards')}>
        <table className={css.shards}>
          <caption className="op-visually-hidden">{t('engine.shards')}</caption>
          <thead>
            <tr>
              {(['shard', 'legs', 'ports', 'sent', 'received', 'p50', 'p99', 'p999', 'max', 'late1', 'sched'] as const).map((head) => <th key={head} scope="col">{t(`engine.${head}`)}</th>)}
            </tr>
          </thead>
          <tbody>
            {shards.map((shard) => (
              <tr key={shard.shard}>
                <th scope="row">{shard.shard}</th>
                <td>{number(shard.legs)}</td>
                <td>{number(shard.ports_in_use)}</td>
                <td>{number(shard.packets_sent)}</td>
                <td>{number(shard.packets_received)}</td>
                <td>{shortSpan(shard.send_lateness_us.p50)}</td>
                <td>{shortSpan(shard.send_lateness_us.p99)}</td>
                <td>{shortSpan(shard.send_lateness_us.p999)}</td>
                <td>{shortSpan(shard.send_lateness_us.max)}</td>
                <td>{percent(shard.packets_sent > 0 ? shard.late_over_1ms / shard.packets_sent : 0, 2)}</td>
                <td>{shard.sched}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
