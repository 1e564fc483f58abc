/** Who did what, newest first. */
import { useDebouncedValue } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { usePages } from '../../api/pages';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { FilterLine, Search } from '../../parts/filter';
import { NONE, number } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { spanOf, spanQuery } from '../../parts/span';
import { SpanPicker } from '../../parts/span_picker';
import { useFilters } from '../../parts/use_filters';
import { thingOf } from './thing';
import css from './audit.module.css';

type Entry = Thing<'Entry'>;

const FILTERS = ['span', 'from', 'to', 'who', 'target'] as const;
const ROLES = ['viewer', 'agent', 'supervisor', 'admin'] as const;
/** A pause in typing that means: look. */
const TYPED_MS = 300;

export default function AuditPage() {
  const { t, i18n } = useTranslation(['audit', 'common']);
  const [filters, change] = useFilters(FILTERS);
  const [who] = useDebouncedValue(filters.who.trim(), TYPED_MS);
  const [target] = useDebouncedValue(filters.target.trim(), TYPED_MS);
  const query = { ...spanQuery(spanOf(filters, 'all')), ...(who && { who }), ...(target && { target }) };
  const found = usePages<Entry>(['audit', filters.span, filters.from, filters.to, who, target], () => data(api.GET('/api/v1/audit', { params: { query: { ...query, order: 'desc' } } })));
  const narrowed = Object.keys(query).length > 0;

  const words = (entry: Entry) => {
    const key = `audit:action.${entry.action}`;
    return i18n.exists(key) ? (t as (key: string, options: object) => string)(key, { thing: thingOf(entry.action, entry.target) }) : entry.action;
  };
  const roleOf = (entry: Entry) => {
    const role = (entry.detail as { role?: unknown }).role;
    const known = ROLES.find((one) => one === role);
    return known ? t(`common:role.${known}`) : NONE;
  };
  const columns: Column<Entry>[] = [
    { key: 'at', head: t('at'), width: '190px', cell: (entry) => <Moment at_us={entry.at_us} /> },
    { key: 'who', head: t('who'), width: 'minmax(130px, 0.8fr)', cell: (entry) => entry.who },
    { key: 'role', head: t('role'), width: '130px', narrow: 'hide', cell: roleOf },
    { key: 'what', head: t('what'), width: 'minmax(260px, 2fr)', narrow: 'first', cell: (entry) => <span title={`${entry.action.split(' ')[0]} ${entry.target}`}>{words(entry)}</span> },
  ];
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <Panel flush>
        <FilterLine>
          <Search label={t('search')} value={filters.target} onChange={(value) => change({ target: value })} />
          <Search label={t('whoFilter')} value={filters.who} onChange={(value) => change({ who: value })} />
          <SpanPicker plain filters={filters} usual="all" all onChange={change} />
        </FilterLine>
        <DataTable
          label={t('title')}
          columns={columns}
          rows={found.rows}
          rowId={(entry) => entry.id}
          more={found.more}
          loading={found.loading}
          error={found.error}
          onRetry={found.retry}
          empty={narrowed ? <EmptyState icon="filter" title={t('noneFit')} text={t('noneFitText')} /> : <EmptyState icon="audit" title={t('none')} text={t('noneText')} />}
        />
        {found.cut && <div className={css.cut}>{t('kept', { number: number(found.rows.length) })}</div>}
      </Panel>
    </>
  );
}
