/** Inbound routes in their order; the whole list is saved at once. */
import { ActionIcon, Alert, Button, NumberInput, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { Problem } from '../../api/problem';
import { useTrunks } from '../../api/things';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote, ErrorState } from '../../parts/error_state';
import { FormBar } from '../../parts/form_section';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone } from '../../parts/told';
import { useUnsaved } from '../../parts/unsaved';
import { faultsOf, moved, newRow, toRoutes, toRows, type Kind, type Row, type RouteSettings } from './rows';
import css from './routes.module.css';

const ROUTES = ['routes'] as const;

export default function RoutesPage() {
  const { t } = useTranslation('routes');
  const routes = useQuery({ queryKey: ROUTES, queryFn: () => data(api.GET('/api/v1/routes')) });
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      {routes.isError && !routes.data && <ErrorState error={routes.error} onRetry={() => void routes.refetch()} />}
      {routes.data && <Editor kept={routes.data.items} />}
    </>
  );
}

function Editor({ kept }: { kept: RouteSettings[] }) {
  const { t } = useTranslation('routes');
  const cache = useQueryClient();
  const trunks = useTrunks();
  const [rows, setRows] = useState(() => toRows(kept));
  const [base, setBase] = useState(() => JSON.stringify(kept));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [said, setSaid] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const focus = useRef<{ key: number; what: 'up' | 'down' | 'to' } | null>(null);

  const keptText = JSON.stringify(kept);
  const changed = JSON.stringify(toRoutes(rows)) !== JSON.stringify(toRoutes(toRows(JSON.parse(base) as RouteSettings[])));
  const elsewhere = keptText !== base;
  useUnsaved(changed);
  const follow = (routes: RouteSettings[]) => {
    setRows(toRows(routes));
    setBase(JSON.stringify(routes));
    setError(null);
  };
  // Nothing is being written here: follow what somebody else saved.
  useEffect(() => {
    if (elsewhere && !changed) follow(kept);
  }, [elsewhere, changed, kept]);

  // A row that moved keeps the focus on its button; at the end of the way, on the other one.
  useEffect(() => {
    const { key, what } = focus.current ?? {};
    focus.current = null;
    if (key === undefined) return;
    const row = list.current?.querySelector(`[data-key="${key}"]`);
    const wanted = row?.querySelector<HTMLElement>(`[data-move="${what}"]:not(:disabled)`);
    (wanted ?? row?.querySelector<HTMLElement>('button[data-move]:not(:disabled)'))?.focus();
  });

  const faults = faultsOf(error instanceof Problem ? error.faults : []);
  const change = (key: number, some: Partial<Row>) => setRows((now) => now.map((row) => (row.key === key ? { ...row, ...some } : row)));
  const move = (at: number, to: number, what: 'up' | 'down') => {
    focus.current = { key: rows[at]?.key ?? 0, what };
    setRows(moved(rows, at, to));
    setError(null);
    setSaid(t('moved', { number: to + 1, all: rows.length }));
  };
  const add = () => {
    const row = newRow();
    focus.current = { key: row.key, what: 'to' };
    setRows([...rows, row]);
  };
  const remove = (key: number) => {
    setRows(rows.filter((row) => row.key !== key));
    setError(null);
  };
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const saved = await data(api.PUT('/api/v1/routes', { body: { items: toRoutes(rows) } }));
      cache.setQueryData(ROUTES, saved);
      follow(saved.items);
      tellDone(t('saved'));
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  const trunkNames = [...new Set([...(trunks.data?.items ?? []).map((trunk) => trunk.name), ...rows.flatMap((row) => row.from ?? [])])];
  const addButton = <Button variant="default" leftSection={<Icon name="plus" size={16} />} onClick={add}>{t('add')}</Button>;

  return (
    <Panel>
      <div className="op-visually-hidden" role="status">{said}</div>
      {elsewhere && changed && <Alert mb="md" color="yellow" variant="outline" icon={<Icon name="warn" />} title={t('elsewhere')}>{t('elsewhereText')}</Alert>}
      {rows.length === 0 && <EmptyState icon="routes" title={t('empty')} text={t('emptyText')} action={addButton} />}
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <ol ref={list} className={css.list}>
          {rows.map((row, at) => {
            const fault = faults.rows.get(at) ?? {};
            const number = at + 1;
            return (
              <li key={row.key} data-key={row.key} className={css.row} aria-label={t('number', { number })}>
                <span className={css.number} aria-hidden="true">{number}</span>
                <div className={css.fields}>
                  <TextInput
                    data-move="to"
                    label={t('to')}
                    description={number === rows.length ? t('toHint') : undefined}
                    autoComplete="off"
                    spellCheck={false}
                    value={row.to}
                    error={fault.to}
                    onChange={(event) => change(row.key, { to: event.currentTarget.value })}
                  />
                  <Select
                    label={t('from')}
                    placeholder={t('fromAny')}
                    clearable
                    data={trunkNames}
                    value={row.from}
                    error={fault.from_trunk}
                    onChange={(from) => change(row.key, { from })}
                  />
                  <Select
                    label={t('action')}
                    allowDeselect={false}
                    data={(['echo', 'play', 'reject'] as const).map((kind) => ({ value: kind, label: t(`actions.${kind}`) }))}
                    value={row.kind}
                    error={row.kind === 'echo' && fault.action}
                    onChange={(kind) => change(row.key, { kind: kind as Kind, argument: kind === 'reject' ? '486' : '' })}
                  />
                  {row.kind === 'play' && (
                    <TextInput
                      label={t('file')}
                      description={t('fileHint')}
                      autoComplete="off"
                      spellCheck={false}
                        value={row.argument}
                      error={fault.action}
                      onChange={(event) => change(row.key, { argument: event.currentTarget.value })}
                    />
                  )}
                  {row.kind === 'reject' && (
                    <NumberInput
                      label={t('code')}
                      description={t('codeHint')}
                      min={400}
                      max={699}
                      allowDecimal={false}
                      clampBehavior="none"
                        value={row.argument}
                      error={fault.action}
                      onChange={(argument) => change(row.key, { argument: String(argument) })}
                    />
                  )}
                </div>
                <div className={css.buttons}>
                  <ActionIcon data-move="up" variant="default" size="lg" aria-label={t('up', { number })} disabled={at === 0} onClick={() => move(at, at - 1, 'up')}><Icon name="up" size={16} /></ActionIcon>
                  <ActionIcon data-move="down" variant="default" size="lg" aria-label={t('down', { number })} disabled={at === rows.length - 1} onClick={() => move(at, at + 1, 'down')}><Icon name="down" size={16} /></ActionIcon>
                  <ActionIcon variant="default" size="lg" aria-label={t('remove', { number })} onClick={() => remove(row.key)}><Icon name="trash" size={16} /></ActionIcon>
                </div>
              </li>
            );
          })}
        </ol>
        {rows.length > 0 && <div className={css.add}>{addButton}</div>}
        <ErrorNote error={faults.rows.size > 0 && faults.rest.length === 0 ? null : error} faults={faults.rest} />
        {changed && (
          <FormBar text={t('changed')}>
            <Button variant="default" onClick={() => follow(kept)}>{t('discard')}</Button>
            <Button type="submit" loading={busy}>{t('save')}</Button>
          </FormBar>
        )}
      </form>
    </Panel>
  );
}
