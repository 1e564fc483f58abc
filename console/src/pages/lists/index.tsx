/** All lists: how many leads in which state, and what was imported last. */
import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import type { Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { useLists } from '../../api/things';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Moment } from '../../parts/moment';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StackBar } from '../../parts/stack_bar';
import { useWords } from '../../parts/words';
import { useImports } from './api';
import { ImportBadge } from './import_badge';
import { newList } from './new_list';
import { leadShares } from './shares';

type Import = Thing<'Import'>;

type List = Thing<'List'>;

export default function Lists() {
  const { t } = useTranslation('lists');
  const word = useWords();
  const navigate = useNavigate();
  const supervisor = useMay('supervisor');
  const lists = useLists();
  const imports = useImports();
  // Imports come latest first; a rehearsal leaves nothing on the list.
  const latest = useMemo(() => {
    const found = new Map<string, Import>();
    for (const item of imports.data?.items ?? []) if (item.list && !item.dry_run && !found.has(item.list)) found.set(item.list, item);
    return found;
  }, [imports.data]);

  const columns: Column<List>[] = [
    { key: 'name', head: t('name'), width: 'minmax(160px, 2fr)', narrow: 'first', cell: (list) => <Link className="op-link" to={`/lists/${encodeURIComponent(list.name)}`}>{list.name}</Link> },
    { key: 'total', head: t('leads'), width: '110px', align: 'right', cell: (list) => number(list.leads) },
    {
      key: 'states', head: t('states'), width: 'minmax(160px, 2fr)',
      cell: (list) => (list.leads > 0 ? <div style={{ minWidth: 120 }}><StackBar label={t('states')} segments={leadShares(list.states, word)} brief /></div> : <span style={{ color: 'var(--op-dim)' }}>{t('noLeads')}</span>),
    },
    {
      key: 'import', head: t('lastImport'), width: 'minmax(180px, 1.5fr)',
      cell: (list) => {
        const item = latest.get(list.name);
        return item ? <><ImportBadge item={item} /> <Moment at_us={item.started_us} /></> : t('never');
      },
    },
    { key: 'created', head: t('created'), width: '150px', narrow: 'hide', cell: (list) => <Moment at_us={list.created_us} /> },
  ];
  const make = supervisor ? (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => newList((name) => navigate(`/lists/${encodeURIComponent(name)}/import`))}>{t('make')}</Button>
  ) : undefined;

  return (
    <>
      <PageHeader
        title={t('title')}
        text={t('text')}
        actions={<>{supervisor && <Button component={Link} to="/marked-numbers" variant="default" leftSection={<Icon name="fault" size={16} />}>{t('markedNumbers')}</Button>}<Button component={Link} to="/number-lists" variant="default" leftSection={<Icon name="lock" size={16} />}>{t('numberLists')}</Button>{make}</>}
      />
      <Panel flush>
        <DataTable
          label={t('title')}
          columns={columns}
          rows={lists.data?.items ?? []}
          rowId={(list) => list.id}
          onOpen={(list) => navigate(`/lists/${encodeURIComponent(list.name)}`)}
          loading={lists.isPending}
          error={lists.error}
          onRetry={() => void lists.refetch()}
          empty={<EmptyState icon="lists" title={t('empty')} text={t('emptyText')} action={make} />}
        />
      </Panel>
    </>
  );
}
