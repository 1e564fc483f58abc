/** A moment of the API for the eye, and in full for whoever points at it. */
import { useTranslation } from 'react-i18next';
import { dateTime, NONE, shortMoment, timeThere } from './format';

export function Moment({ at_us }: { at_us: number | null | undefined }) {
  if (at_us == null) return <>{NONE}</>;
  return <time dateTime={new Date(at_us / 1_000).toISOString()} title={dateTime(at_us)}>{shortMoment(at_us)}</time>;
}

/** A moment here, and what the clock showed where the person lives. */
export function BothTimes({ at_us, zone }: { at_us: number; zone: string | null | undefined }) {
  const { t } = useTranslation('words');
  const there = zone ? timeThere(at_us, zone) : null;
  return (
    <>
      <Moment at_us={at_us} />
      {there !== null && ` · ${t('time.there', { time: there })}`}
    </>
  );
}
