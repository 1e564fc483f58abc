/** The file is on its way to the server; only while this page is open. */
import { Button, Progress } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { percent } from '../../parts/format';
import { Panel } from '../../parts/panel';
import css from './import.module.css';

export function Sending({ part, onCancel }: { part: number; onCancel: () => void }) {
  const { t } = useTranslation(['lists', 'common']);
  return (
    <Panel title={t('lists:sending')} aside={percent(part, 0)}>
      <Progress value={part * 100} aria-label={t('lists:sending')} size="lg" />
      <div className={css.dropText} style={{ marginTop: 12 }}>{t('lists:sendingText')}</div>
      <div className={css.actions}><Button variant="default" onClick={onCancel}>{t('common:action.cancel')}</Button></div>
    </Panel>
  );
}
