/** Something did not work: what, where, how to mend it, and another try. */
import { Alert, Button } from '@mantine/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { Problem, sentence } from '../api/problem';
import css from './empty_state.module.css';
import { Icon } from './icons';

/** Asking again does not bring back what is not there. */
const GONE = 404;

/** A problem in words: a heading and what to do. The server's own words stand as they are. */
export function words(error: unknown, t: TFunction<'common'>): { title: string; text: string } {
  if (!(error instanceof Problem)) return { title: t('problem.ours'), text: error instanceof Error ? error.message : String(error) };
  if (error.kind === 'unreachable') return { title: t('problem.unreachable'), text: t('problem.unreachableText') };
  if (error.kind === 'stale') return { title: t('problem.stale'), text: t('problem.staleText') };
  if (error.code === GONE) return { title: t('problem.gone'), text: error.detail ? t('problem.goneText', { detail: error.detail }) : t('problem.goneAddress') };
  const title = error.title || t('problem.other', { code: error.code });
  return { title, text: error.detail || t('problem.otherText') };
}

/** In place of what could not be shown. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const { title, text } = words(error, t);
  const gone = error instanceof Problem && error.code === GONE;
  return (
    <div className={css.empty} role="alert">
      <span className={css.icon} data-tone={gone ? undefined : 'bad'}><Icon name={gone ? 'search' : 'fault'} size={26} /></span>
      <div className={css.title}>{title}</div>
      <div className={css.text}>{text}</div>
      {onRetry && !gone && (
        <div className={css.action}>
          <Button variant="default" leftSection={<Icon name="refresh" size={16} />} onClick={onRetry}>{t('action.retry')}</Button>
        </div>
      )}
    </div>
  );
}

/** Above a form or a button that was refused. Faults that stand at their fields are left out by `faults`. */
export function ErrorNote({ error, faults }: { error: unknown; faults?: readonly { field: string; what: string; mend: string }[] }) {
  const { t } = useTranslation();
  if (!error) return null;
  const { title, text } = words(error, t);
  return (
    <Alert role="alert" color="red" variant="outline" icon={<Icon name="fault" />} title={title}>
      {faults && faults.length > 0 ? faults.map((fault) => <div key={fault.field}>{`${fault.field}: ${sentence(fault)}`}</div>) : text}
    </Alert>
  );
}
