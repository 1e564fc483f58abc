/** Shares day by day: a point with its interval, and the knob as a line. A day without a share keeps its place. */
import { useElementSize } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { compact, percent } from '../../parts/format';
import { Legend } from '../../parts/legend';
import { everyDay, topOf, type Interval } from './days';
import css from './detection.module.css';

export interface DayShare {
  /** How the day is written. */
  day: string;
  share: Interval | null;
  /** Of how many. */
  of: number;
}

export interface DaysPlotProps {
  label: string;
  days: readonly DayShare[];
  /** At most so much is wanted. */
  limit: number;
}

const HEIGHT_PX = 250;
const LEFT_PX = 46;
const HEAD_PX = 12;
const FOOT_PX = 40;
/** The root spreads small shares, which is where all is decided. */
const scale = Math.sqrt;

export function DaysPlot({ label, days, limit }: DaysPlotProps) {
  const { t } = useTranslation('detection');
  const { ref, width } = useElementSize();
  const top = topOf(days.map(({ share }) => share), limit);
  const slot = (width - LEFT_PX) / Math.max(1, days.length);
  const bottom = HEIGHT_PX - FOOT_PX;
  const x = (index: number) => LEFT_PX + slot * (index + 0.5);
  const y = (share: number) => HEAD_PX + (bottom - HEAD_PX) * (1 - scale(Math.min(share, top)) / scale(top));
  const every = everyDay(days.length, width - LEFT_PX);
  return (
    <div ref={ref}>
      <Legend>
        <li><span className={css.dotMark} />{label}</li>
        <li><span className={css.bandMark} />{t('days.band')}</li>
        <li><span className={css.limitMark} />{t('days.limit', { limit: percent(limit, 1) })}</li>
      </Legend>
      {width > 0 && (
        <svg role="img" aria-label={t('days.plot', { label })} width={width} height={HEIGHT_PX} fontSize={12}>
          {[0, top / 10, top / 4, top / 2, top].map((tick) => (
            <g key={tick}>
              <line x1={LEFT_PX} x2={width} y1={y(tick)} y2={y(tick)} stroke="var(--op-line)" />
              <text x={LEFT_PX - 8} y={y(tick) + 4} textAnchor="end" fill="var(--op-dim)">{percent(tick, tick > 0 && tick < 0.02 ? 1 : 0)}</text>
            </g>
          ))}
          <line x1={LEFT_PX} x2={width} y1={y(limit)} y2={y(limit)} stroke="var(--op-bad)" strokeWidth={1.5} strokeDasharray="6 4" />
          {days.map(({ day, share, of }, index) => (
            <g key={day}>
              <title>{share ? t('days.says', { day, share: percent(share.share, 2), low: percent(share.low, 2), high: percent(share.high, 2), count: of }) : t('days.saysNone', { day })}</title>
              <rect x={x(index) - slot / 2} y={HEAD_PX} width={slot} height={bottom - HEAD_PX} fill="transparent" />
              {share && (
                <>
                  <line x1={x(index)} x2={x(index)} y1={y(share.low)} y2={y(share.high)} stroke={share.low > limit ? 'var(--op-bad)' : 'var(--op-talk)'} strokeWidth={8} strokeOpacity={0.28} strokeLinecap="round" />
                  <circle cx={x(index)} cy={y(share.share)} r={5} fill={share.low > limit ? 'var(--op-bad)' : 'var(--op-talk)'} stroke="var(--op-surface)" strokeWidth={1.5} />
                </>
              )}
              {index % every === 0 && <text x={x(index)} y={bottom + 16} textAnchor="middle" fill="var(--op-dim)">{day}</text>}
              {index % every === 0 && <text x={x(index)} y={bottom + 32} textAnchor="middle" fill="var(--op-dim)">{share ? compact(of) : '–'}</text>}
            </g>
          ))}
        </svg>
      )}
      <div className={css.hint}>{t('days.axes')}</div>
    </div>
  );
}
