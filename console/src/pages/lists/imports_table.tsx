/** Imports of a list, the latest first; a running one moves. */
import { Progress } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import type { Thing } from '../../api/client';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { number } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { underWay } from './api';
import { ImportBadge } from './import_badge';

type Import = Thing<'Import'>;

interface Props {
  list: string;
  items: Import[];
  loading: boolean;
  error: unknown;
  onRetry: () => void;
}

export function ImportsTable({ list, items, loading, error, onRetry }: Props) {
  const { t } = useTranslation('lists');
  const navigate = useNavigate();
  const place = (item: Import) => `/lists/${encodeURIComponent(list)}/import?import=${item.id}`;
  const columns: Column<Import>[] = [
    { key: 'file', head: t('file'), width: 'minmax(160px, 2fr)', narrow: 'first', cell: (item) => <Link className="op-link" to={place(item)}>{item.file_name || t('unnamed')}</Link> },
    { key: 'state', head: t('lead.state'), width: '150px', cell: (item) => <ImportBadge item={item} /> },
    {
      key: 'rows', head: t('rows'), width: '120px', align: 'right',
      cell: (item) => (underWay(item) && item.bytes_total > 0 ? <Progress value={(100 * item.bytes) / item.bytes_total} aria-label={t('progress')} miw={80} /> : number(item.rows)),
    },
    { key: 'accepted', head: t('accepted'), width: '110px', align: 'right', cell: (item) => number(item.accepted) },
    { key: 'duplicates', head: t('duplicates'), width: '110px', align: 'right', cell: (item) => number(item.duplicates) },
    { key: 'rejected', head: t('rejected'), width: '110px', align: 'right', cell: (item) => number(item.rejected) },
    { key: 'at', head: t('begun'), width: '150px', cell: (item) => <Moment at_us={item.started_us} /> },
  ];
  return (
    <Panel flush>
      <DataTable
        label={t('imports')}
        columns={columns}
        rows={items}
        rowId={(item) => item.id}
        onOpen={(item) => navigate(place(item))}
        loading={loading}
        error={error}
        onRetry={onRetry}
        empty={<EmptyState icon="upload" title={t('noImports')} text={t('noImportsText')} />}
      />
    </Panel>
  );
}
