/** Rows that an import would not take: where, what stood there, what is wrong with it. */
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { usePages } from '../../api/pages';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { number } from '../../parts/format';
import { useWords } from '../../parts/words';

type RejectedRow = Thing<'RejectedRow'>;

export function RejectedRows({ id }: { id: number }) {
  const { t } = useTranslation('lists');
  const word = useWords();
  const found = usePages<RejectedRow>(['rejected', id], () => data(api.GET('/api/v1/imports/{id}/rejected', { params: { path: { id } } })));
  const columns: Column<RejectedRow>[] = [
    { key: 'line', head: t('line'), width: '90px', align: 'right', cell: (row) => number(row.line) },
    { key: 'field', head: t('field'), width: '140px', cell: (row) => word('field', row.field) },
    { key: 'value', head: t('value'), width: 'minmax(140px, 1fr)', narrow: 'first', cell: (row) => row.value || t('emptyCell') },
    { key: 'reason', head: t('reason'), width: 'minmax(220px, 3fr)', cell: (row) => <span title={row.reason}>{row.reason}</span> },
  ];
  return (
    <DataTable
      label={t('rejectedRows')}
      columns={columns}
      rows={found.rows}
      rowId={(row) => row.line}
      more={found.more}
      loading={found.loading}
      error={found.error}
      onRetry={found.retry}
      height="420px"
      empty={<EmptyState icon="ok" title={t('noRejected')} />}
    />
  );
}
