/** Forecasts against what happened: of the calls that were given this chance of finding no agent, so many found none. */
import { useElementSize } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { compact, number, percent } from '../../parts/format';
import { Legend } from '../../parts/legend';
import { Panel } from '../../parts/panel';
import { judge, totalOf, wilson, type CalibrationBin } from './decision';
import css from './why.module.css';

const EVERY_MS = 15_000;

export function CalibrationPanel({ name }: { name: string }) {
  const { t } = useTranslation('why');
  const found = useQuery({
    queryKey: ['calibration', name],
    queryFn: () => data(api.GET('/api/v1/campaigns/{name}/calibration', { params: { path: { name } } })),
    refetchInterval: EVERY_MS,
  });
  const bins = found.data?.bins ?? [];
  const total = totalOf(bins);
  return (
    <Panel title={t('calibration.title')} className={css.calibration}>
      {found.isError && !found.data ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : !found.data ? (
        <div role="status">{t('reading')}</div>
      ) : total.persons === 0 ? (
        <EmptyState icon="reports" title={t('calibration.none')} text={t('calibration.noneText')} />
      ) : (
        <>
          <p className={css.then}>
            {t('calibration.says', { count: total.persons, persons: number(total.persons), forecast: number(total.forecast, total.forecast < 100 ? 1 : 0), abandoned: number(total.abandoned) })} {t(`calibration.${judge(total)}`)}
          </p>
          <div className={css.calibrated}>
            <Plot bins={bins} />
            <Table bins={bins} />
          </div>
        </>
      )}
    </Panel>
  );
}

const HEIGHT_PX = 260;
const LEFT_PX = 46;
const HEAD_PX = 12;
const FOOT_PX = 40;
/** Counts below the axis need so much room; the table has them too. */
const COUNT_PX = 44;
/** Ends of the axis: the least of these that holds all that is drawn. */
const TOPS = [0.02, 0.05, 0.1, 0.2, 0.5, 1];
/** The root spreads small chances, which most calls have. */
const scale = Math.sqrt;

function Plot({ bins }: { bins: CalibrationBin[] }) {
  const { t } = useTranslation('why');
  const { ref, width } = useElementSize();
  const seen = bins.filter((bin) => bin.persons > 0);
  const points = seen.map((bin) => ({ ...bin, mean: bin.forecast / bin.persons, share: bin.abandoned / bin.persons, band: wilson(bin.abandoned, bin.persons) }));
  const most = Math.max(...points.map((point) => Math.max(point.mean, point.share)));
  const top = TOPS.find((one) => one >= most * 1.3) ?? 1;
  const slot = (width - LEFT_PX) / Math.max(1, points.length);
  const bottom = HEIGHT_PX - FOOT_PX;
  const x = (index: number) => LEFT_PX + slot * (index + 0.5);
  const y = (share: number) => HEAD_PX + (bottom - HEAD_PX) * (1 - scale(Math.min(share, top)) / scale(top));
  const ticks = [0, top / 10, top / 4, top / 2, top];
  return (
    <div ref={ref} className={css.plotBox}>
      <Legend>
        <li><span className={css.forecastMark} />{t('calibration.forecast')}</li>
        <li><span className={css.happenedMark} />{t('calibration.happened')}</li>
        <li><span className={css.bandMark} />{t('calibration.band')}</li>
      </Legend>
      {width > 0 && (
        <svg role="img" aria-label={t('calibration.plot')} width={width} height={HEIGHT_PX} fontSize={12}>
          {ticks.map((tick) => (
            <g key={tick}>
              <line x1={LEFT_PX} x2={width} y1={y(tick)} y2={y(tick)} stroke="var(--op-line)" />
              <text x={LEFT_PX - 8} y={y(tick) + 4} textAnchor="end" fill="var(--op-dim)">{percent(tick, tick > 0 && tick < 0.02 ? 1 : 0)}</text>
            </g>
          ))}
          {points.map((point, index) => {
            const half = Math.min(22, slot * 0.32);
            const inside = point.mean >= point.band[0] && point.mean <= point.band[1];
            return (
              <g key={point.to}>
                <title>{t('calibration.pointSays', { forecast: percent(point.mean, 2), happened: percent(point.share, 2), persons: number(point.persons) })}</title>
                <rect x={x(index) - slot / 2} y={HEAD_PX} width={slot} height={bottom - HEAD_PX} fill="transparent" />
                <line x1={x(index)} x2={x(index)} y1={y(point.band[0])} y2={y(point.band[1])} stroke={inside ? 'var(--op-talk)' : 'var(--op-warn)'} strokeWidth={8} strokeOpacity={0.28} strokeLinecap="round" />
                <line x1={x(index) - half} x2={x(index) + half} y1={y(point.mean)} y2={y(point.mean)} stroke="var(--op-text)" strokeWidth={2.5} />
                <circle cx={x(index)} cy={y(point.share)} r={5} fill={inside ? 'var(--op-talk)' : 'var(--op-warn)'} stroke="var(--op-surface)" strokeWidth={1.5} />
                <text x={x(index)} y={bottom + 16} textAnchor="middle" fill="var(--op-dim)">{percent(point.mean, point.mean < 0.1 ? 1 : 0)}</text>
                {slot >= COUNT_PX && <text x={x(index)} y={bottom + 32} textAnchor="middle" fill="var(--op-dim)">{compact(point.persons)}</text>}
              </g>
            );
          })}
        </svg>
      )}
      <div className={css.hint}>{t(slot >= COUNT_PX ? 'calibration.axesCounts' : 'calibration.axes')}</div>
    </div>
  );
}

function Table({ bins }: { bins: CalibrationBin[] }) {
  const { t } = useTranslation('why');
  return (
    <div className={css.tableBox} tabIndex={0} role="group" aria-label={t('calibration.title')}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{t('calibration.chance')}</th>
            <th scope="col">{t('calibration.persons')}</th>
            <th scope="col">{t('calibration.expected')}</th>
            <th scope="col">{t('calibration.abandoned')}</th>
          </tr>
        </thead>
        <tbody>
          {bins.map((bin) => (
            <tr key={bin.to}>
              <th scope="row">{t('calibration.between', { from: percent(bin.from, 1), to: percent(bin.to, 1) })}</th>
              <td>{number(bin.persons)}</td>
              <td>{number(bin.forecast, bin.forecast < 1 ? 2 : 1)}</td>
              <td>{number(bin.abandoned)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
