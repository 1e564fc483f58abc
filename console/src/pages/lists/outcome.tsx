/** An import on the server: how far it is, and at its end what became of the rows. */
import { Alert, Button, Group, Progress, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { address, api, type Thing } from '../../api/client';
import { keys } from '../../api/live';
import { useMay } from '../../api/login';
import { queryClient } from '../../api/query';
import { Since } from '../../parts/clock';
import { ConfirmButton } from '../../parts/confirm';
import { ErrorNote } from '../../parts/error_state';
import { Figure, Figures } from '../../parts/figure';
import { number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Panel } from '../../parts/panel';
import { underWay } from './api';
import { draft as kept, type Draft } from './draft';
import { ImportBadge } from './import_badge';
import css from './import.module.css';
import { RejectedRows } from './rejected';

type Import = Thing<'Import'>;

interface Props {
  item: Import;
  list: string;
  /** The file it was made of, if this browser still has it. */
  draft: Draft | null;
  error: unknown;
  /** Imports what was rehearsed. */
  onImport?: () => void;
}

export function Outcome({ item, list, draft, error, onImport }: Props) {
  const { t } = useTranslation(['lists', 'common']);
  const supervisor = useMay('supervisor');
  const running = underWay(item);
  const paused = item.state === 'paused';
  const steer = useMutation({
    mutationFn: () => {
      const params = { path: { id: item.id } };
      return paused ? api.POST('/api/v1/imports/{id}/resume', { params }) : api.POST('/api/v1/imports/{id}/pause', { params });
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: keys.import(item.id) }),
  });
  const part = item.bytes_total > 0 ? item.bytes / item.bytes_total : 0;
  const here = `/lists/${encodeURIComponent(list)}`;
  const cancel = {
    title: t('lists:cancelTitle'),
    text: item.dry_run ? t('lists:cancelTextDry') : t('lists:cancelText'),
    verb: t('lists:cancelVerb'),
    danger: true,
    run: async () => {
      await api.DELETE('/api/v1/imports/{id}', { params: { path: { id: item.id } } });
      await queryClient.invalidateQueries({ queryKey: keys.import(item.id) });
    },
  };
  const reasons = Object.entries(item.reasons).sort(([, a], [, b]) => b - a);
  return (
    <Stack gap="md">
      <Panel
        title={item.file_name || t('lists:unnamed')}
        aside={<Group gap="sm"><ImportBadge item={item} /><Since from_us={item.started_us} until_us={item.ended_us} /></Group>}
      >
        {running && (
          <div style={{ marginBottom: 16 }}>
            <Progress value={part * 100} aria-label={t('lists:progress')} size="lg" animated={!paused} />
            <Group justify="space-between" mt={6} className={css.dropText} maw="none">
              <span>{paused ? t('lists:pausedText') : item.dry_run ? t('lists:checking') : t('lists:leaveText')}</span>
              <span>{percent(part, 0)}</span>
            </Group>
          </div>
        )}
        {item.error && <Alert role="alert" color="red" variant="outline" icon={<Icon name="fault" />} title={t('lists:failed')} mb="md">{item.error}</Alert>}
        {item.state === 'cancelled' && <Alert color="gray" variant="outline" icon={<Icon name="info" />} mb="md">{item.dry_run ? t('lists:cancelledDry') : t('lists:cancelled')}</Alert>}
        <Figures>
          <Figure label={t('lists:rows')} value={number(item.rows)} />
          <Figure label={item.dry_run ? t('lists:wouldAccept') : t('lists:accepted')} value={number(item.accepted)} tone={item.accepted > 0 ? 'ok' : 'dim'} />
          <Figure label={t('lists:duplicates')} value={number(item.duplicates)} note={t('lists:duplicatesNote')} />
          <Figure label={t('lists:rejected')} value={number(item.rejected)} tone={item.rejected > 0 ? 'warn' : 'dim'} />
        </Figures>
        {error || steer.error ? <div style={{ marginTop: 16 }}><ErrorNote error={error || steer.error} /></div> : null}
        <div className={css.actions}>
          {running && supervisor && <Button variant="default" loading={steer.isPending} onClick={() => steer.mutate()}>{paused ? t('lists:resume') : t('lists:pause')}</Button>}
          {running && supervisor && <ConfirmButton variant="default" color="red" question={cancel}>{t('lists:cancel')}</ConfirmButton>}
          {!running && item.dry_run && (
            <>
              <Button variant="default" component={Link} to={`${here}/import`}>{draft ? t('lists:backToColumns') : t('lists:chooseAgain')}</Button>
              {onImport && <Button onClick={onImport} disabled={item.accepted === 0}>{t('lists:importCount', { count: item.accepted, shown: number(item.accepted) })}</Button>}
            </>
          )}
          {!running && !item.dry_run && (
            <>
              <Button variant="default" component={Link} to={`${here}/import`} onClick={() => kept.set(null)}>{t('lists:another')}</Button>
              <Button component={Link} to={here}>{t('lists:openList')}</Button>
            </>
          )}
        </div>
      </Panel>
      {reasons.length > 0 && (
        <Panel title={t('lists:reasons')}>
          <ul className={css.reasons}>
            {reasons.map(([reason, count]) => <li key={reason}><b>{number(count)}</b><span>{reason}</span></li>)}
          </ul>
        </Panel>
      )}
      {item.rejected + item.duplicates > 0 && !running && supervisor && (
        <Panel
          title={t('lists:rejectedRows')}
          aside={<Button size="xs" variant="default" component="a" href={address(`api/v1/imports/${item.id}/rejected.csv`)} download leftSection={<Icon name="download" size={14} />}>{t('lists:asCsv')}</Button>}
          flush
        >
          <RejectedRows id={item.id} />
        </Panel>
      )}
    </Stack>
  );
}
