/** How late packets leave: the engine's own histogram, read while somebody looks. */
import { Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { Bars } from '../../parts/bars';
import { ErrorState } from '../../parts/error_state';
import { Figure, Figures } from '../../parts/figure';
import { number, shortSpan } from '../../parts/format';
import { Panel } from '../../parts/panel';
import css from './board.module.css';

const EVERY_MS = 2_000;
/** Shown up to here even when nothing was so late; beyond, up to the latest. */
const ALWAYS_US = 1_000;
/** Beyond this a listener may hear it: the far end's jitter buffer has to stretch. */
const LATE_US = 1_000;

/** Without the empty buckets at the end. */
function shown<Bucket extends { le_us?: number | null; count: number }>(buckets: Bucket[]): Bucket[] {
  const last = buckets.findLastIndex((bucket) => bucket.count > 0 || (bucket.le_us ?? Infinity) <= ALWAYS_US);
  return buckets.slice(0, last + 1);
}

export function LatenessPanel() {
  const { t } = useTranslation('board');
  const engine = useQuery({ queryKey: ['engine'], queryFn: () => data(api.GET('/api/v1/engine')), refetchInterval: EVERY_MS });
  const totals = engine.data?.totals;
  return (
    <Panel title={t('lateness.title')} aside={engine.data && t('lateness.driver', { driver: engine.data.driver })}>
      {engine.isError && !totals && <ErrorState error={engine.error} onRetry={() => void engine.refetch()} />}
      {engine.isPending && <Loader size="sm" aria-label={t('lateness.title')} />}
      {totals && (
        <>
          <Figures>
            <Figure size="small" label={t('lateness.p50')} value={shortSpan(totals.send_lateness_us.p50)} />
            <Figure size="small" label={t('lateness.p99')} value={shortSpan(totals.send_lateness_us.p99)} />
            <Figure size="small" label={t('lateness.max')} value={shortSpan(totals.send_lateness_us.max)} />
            <Figure size="small" label={t('lateness.late')} value={number(totals.late_over_1ms)} unit={t('lateness.ofSent', { count: totals.packets_sent, number: number(totals.packets_sent) })} tone={totals.late_over_1ms * 1_000 > totals.packets_sent ? 'warn' : 'plain'} />
          </Figures>
          <div style={{ marginTop: 14 }}>
            <Bars
              label={t('lateness.title')}
              heads={[t('lateness.upTo'), t('lateness.packets')]}
              log
              bars={shown(totals.send_lateness_us.buckets).map((bucket) => ({
                key: String(bucket.le_us),
                label: bucket.le_us == null ? t('lateness.more') : `≤ ${shortSpan(bucket.le_us)}`,
                value: bucket.count,
                color: bucket.le_us != null && bucket.le_us <= LATE_US ? '--op-talk' : '--op-warn',
              }))}
            />
            <div className={css.scale}>{t('lateness.scale')}</div>
          </div>
        </>
      )}
    </Panel>
  );
}
