/** People, found by what one knows of them: a number from its front or its end, a name, an id. Works by keyboard alone. */
import { Select, Text, TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useCallback, useRef, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { useLists } from '../../api/things';
import { usePages } from '../../api/pages';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { FilterFields } from '../../parts/filter';
import { NONE, number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Moment } from '../../parts/moment';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { useFilters } from '../../parts/use_filters';
import { useTyped } from '../../parts/use_typed';
import { fullName } from './api';

type Contact = Thing<'Contact'>;

const WIDE = { 'data-wide': true };
const FILTERS = ['search', 'list'] as const;

export default function Contacts() {
  const { t } = useTranslation(['contacts', 'common']);
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const table = useRef<HTMLDivElement>(null);
  const [filters, change] = useFilters(FILTERS);
  const [typed, setTyped] = useTyped(filters.search, useCallback((search: string) => change({ search }), [change]));
  useHotkeys([['/', () => field.current?.select()]]);
  const lists = useLists();
  const found = usePages<Contact, Thing<'Contacts'>>(['contacts', filters], () =>
    data(api.GET('/api/v1/contacts', { params: { query: { search: filters.search || undefined, list: filters.list || undefined } } })),
  );
  const place = (contact: Contact) => `/contacts/${contact.id}`;
  const columns: Column<Contact>[] = [
    { key: 'name', head: t('name'), width: 'minmax(160px, 1.5fr)', narrow: 'first', cell: (contact) => <Link className="op-link" to={place(contact)}>{fullName(contact) || t('noName')}</Link> },
    {
      key: 'numbers', head: t('numbers'), width: 'minmax(170px, 1.5fr)',
      cell: (contact) => (contact.numbers.length > 1 ? t('numberAndMore', { number: contact.numbers[0], count: contact.numbers.length - 1 }) : (contact.numbers[0] ?? NONE)),
    },
    { key: 'dnc', head: t('calls'), width: '150px', cell: (contact) => (contact.do_not_call ? <StateBadge tone="bad">{t('doNotCall')}</StateBadge> : t('mayBeCalled')) },
    { key: 'lists', head: t('lists'), width: 'minmax(120px, 1fr)', cell: (contact) => contact.lists.join(', ') || NONE },
    { key: 'external', head: t('externalId'), width: '140px', narrow: 'hide', cell: (contact) => contact.external_id ?? NONE },
    { key: 'last', head: t('lastAttempt'), width: '150px', cell: (contact) => <Moment at_us={contact.last_attempt_us} /> },
  ];
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      table.current?.querySelector<HTMLElement>('[role=row][tabindex="0"]')?.focus();
    } else if (event.key === 'Escape') {
      setTyped('');
    } else if (event.key === 'Enter' && found.rows.length === 1 && found.rows[0] && filters.search === typed.trim()) {
      void navigate(place(found.rows[0]));
    }
  };
  const total = found.first?.total_estimate;
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <FilterFields>
        <TextInput
          ref={field}
          type="search"
          label={t('search')}
          placeholder={t('searchPlaceholder')}
          leftSection={<Icon name="search" size={16} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={onKey}
          autoFocus
          autoComplete="off"
          spellCheck={false}
          wrapperProps={WIDE}
        />
        <Select
          label={t('list')}
          data={lists.data?.items.map((list) => list.name) ?? []}
          value={filters.list || null}
          onChange={(list) => change({ list: list ?? '' })}
          placeholder={t('anyList')}
          clearable
          clearButtonProps={{ 'aria-label': t('clear') }}
          searchable
        />
      </FilterFields>
      <Panel flush title={total === undefined ? undefined : t(found.first?.total_at_least ? 'countAtLeast' : 'count', { count: total, shown: number(total) })} aside={<Text span inherit visibleFrom="sm">{t('keys')}</Text>}>
        <div ref={table}>
          <DataTable
            label={t('title')}
            columns={columns}
            rows={found.rows}
            rowId={(contact) => contact.id}
            onOpen={(contact) => navigate(place(contact))}
            more={found.more}
            cut={found.cut && t('common:table.cut')}
            loading={found.loading}
            stale={found.stale}
            error={found.error}
            onRetry={found.retry}
            empty={
              filters.search || filters.list ? (
                <EmptyState icon="search" title={t('nobody')} text={t('nobodyText')} />
              ) : (
                <EmptyState icon="contacts" title={t('none')} text={t('noneText')} action={<Link className="op-link" to="/lists">{t('toLists')}</Link>} />
              )
            }
          />
        </div>
      </Panel>
    </>
  );
}
