/** All trunks. */
import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import type { Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { useTrunks } from '../../api/things';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { Channels, Registered, Up } from './words';

export default function TrunksPage() {
  const { t } = useTranslation('trunks');
  const go = useNavigate();
  const mayMake = useMay('admin');
  const trunks = useTrunks();
  const rows = trunks.data?.items ?? [];
  const make = <Button component={Link} to="/trunks/new" leftSection={<Icon name="plus" size={16} />}>{t('new')}</Button>;
  const columns: Column<Thing<'TrunkView'>>[] = [
    { key: 'name', head: t('name'), width: 'minmax(140px, 1.2fr)', narrow: 'first', cell: (trunk) => <Link className="op-link" to={`/trunks/${encodeURIComponent(trunk.name)}`}>{trunk.name}</Link> },
    { key: 'state', head: t('stateHead'), width: '130px', cell: (trunk) => <Up trunk={trunk} /> },
    { key: 'registered', head: t('registered'), width: '140px', cell: (trunk) => <Registered trunk={trunk} /> },
    { key: 'channels', head: t('channels'), width: 'minmax(180px, 1fr)', cell: (trunk) => <Channels trunk={trunk} /> },
    { key: 'cps', head: t('cps'), width: '160px', cell: (trunk) => t('cpsMax', { max: number(trunk.cps_max, 2) }) },
    { key: 'host', head: t('host'), width: 'minmax(170px, 1.2fr)', cell: (trunk) => trunk.host },
  ];
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} actions={mayMake && rows.length > 0 && make} />
      <Panel flush>
        <DataTable
          label={t('title')}
          columns={columns}
          rows={rows}
          rowId={(trunk) => trunk.name}
          onOpen={(trunk) => void go(`/trunks/${encodeURIComponent(trunk.name)}`)}
          loading={trunks.isPending}
          error={trunks.error}
          onRetry={() => void trunks.refetch()}
          empty={<EmptyState icon="trunks" title={t('empty')} text={mayMake ? t('emptyText') : t('emptyTextRead')} action={mayMake && make} />}
        />
      </Panel>
    </>
  );
}
