/**
 * Lists of numbers from outside: who must not be called, whose number went to somebody else. Each has the day of its
 * source; a campaign whose rules say how old that may be stands still with an older one.
 */
import { Alert, Button, Checkbox, FileInput, Progress, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { upload, type Upload } from '../../api/upload';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote } from '../../parts/error_state';
import { FormBar, FormSection, Wide } from '../../parts/form_section';
import { number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Moment } from '../../parts/moment';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { keepRegion, regions, usualRegion } from '../../parts/regions';
import { tellDone } from '../../parts/told';
import { useUnsaved } from '../../parts/unsaved';
import { useSaving } from '../../parts/use_saving';
import css from './number_lists.module.css';
import { ageOf, dayOf, query, type Load } from './load';

type NumberList = Thing<'NumberList'>;
type Loaded = Thing<'Loaded'>;
type NumberLoad = Thing<'NumberLoad'>;

const KEY = ['number-lists'];
/** How often a load is asked how far it is. */
const LOOK_MS = 1_000;
const FIELDS = ['kind', 'source', 'as_of', 'region', 'file', 'force'] as const;

export default function NumberLists() {
  const { t } = useTranslation('number_lists');
  const supervisor = useMay('supervisor');
  const found = useQuery({ queryKey: KEY, queryFn: () => data(api.GET('/api/v1/number-lists')) });
  const rows = found.data?.items ?? [];
  const columns: Column<NumberList>[] = [
    { key: 'source', head: t('source'), width: 'minmax(140px, 1.5fr)', narrow: 'first', cell: (list) => list.source },
    { key: 'kind', head: t('kind'), width: 'minmax(170px, 1.5fr)', cell: (list) => <Kind kind={list.kind} /> },
    { key: 'numbers', head: t('numbers'), width: '120px', align: 'right', cell: (list) => number(list.numbers) },
    { key: 'as_of', head: t('asOf'), width: '130px', cell: (list) => dayOf(list.as_of_us) },
    { key: 'age', head: t('age'), width: '110px', align: 'right', cell: (list) => t('days', { count: ageOf(list.as_of_us) }) },
    { key: 'loaded', head: t('loaded'), width: '160px', cell: (list) => <Moment at_us={list.loaded_us} /> },
  ];
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} back={{ to: '/lists', text: t('back') }} />
      <Panel flush className="op-gap-below">
        <DataTable
          label={t('title')}
          columns={columns}
          rows={rows}
          rowId={(list) => `${list.kind} ${list.source}`}
          loading={found.isPending}
          error={found.error}
          onRetry={() => void found.refetch()}
          height="420px"
          empty={<EmptyState icon="lists" title={t('none')} text={t(supervisor ? 'noneText' : 'noneTextRead')} />}
        />
      </Panel>
      <UnderWay />
      {supervisor && <LoadForm sources={[...new Set(rows.map((list) => list.source))]} />}
    </>
  );
}

/** The load under way, whoever began it: a national list takes minutes. */
function UnderWay() {
  const { t } = useTranslation('number_lists');
  const cache = useQueryClient();
  const found = useQuery({
    queryKey: [...KEY, 'loads'],
    queryFn: () => data(api.GET('/api/v1/number-lists/loads')),
    refetchInterval: LOOK_MS,
  });
  const loads = found.data?.items ?? [];
  // One that is over is in force: the table above shows it.
  const before = useRef(0);
  useEffect(() => {
    if (loads.length < before.current) void cache.invalidateQueries({ queryKey: KEY, exact: true });
    before.current = loads.length;
  }, [loads.length, cache]);
  if (loads.length === 0) return null;
  return (
    <Panel className="op-gap-below">
      {loads.map((load) => (
        <div key={`${load.kind} ${load.source}`} role="status">
          <p className={css.underWay}>{t(load.state === 'storing' ? 'storing' : 'receiving', { source: load.source, number: number(load.state === 'storing' ? load.stored : load.numbers), all: number(load.numbers) })}</p>
          <Progress value={(partOf(load) ?? 1) * 100} animated={partOf(load) === null} aria-label={t('loading', { source: load.source })} />
        </div>
      ))}
    </Panel>
  );
}

/** How far a load is, of 1; `null`: nobody said how long the file is. */
function partOf(load: NumberLoad): number | null {
  if (load.state === 'storing') return load.stored / Math.max(load.numbers, 1);
  return load.bytes_total ? load.bytes / load.bytes_total : null;
}

/** A kind that is newer than this console speaks for itself. */
function Kind({ kind }: { kind: string }) {
  const { t } = useTranslation('number_lists');
  return <>{kind === 'do_not_call' || kind === 'reassigned' ? t(kind) : kind}</>;
}

function LoadForm({ sources }: { sources: string[] }) {
  const { t } = useTranslation(['number_lists', 'common']);
  const cache = useQueryClient();
  const countries = useMemo(regions, []);
  const form = useForm<Load>({
    initialValues: { kind: 'do_not_call', source: '', as_of: '', region: usualRegion(), file: null, force: false },
    validate: {
      file: (file) => (file ? null : t('fileRule')),
      source: (source) => (source.trim() === '' ? t('sourceRule') : null),
      as_of: (day) => (day === '' ? t('asOfRule') : null),
    },
  });
  const { values } = form;
  const saving = useSaving(form, FIELDS);
  const [sent, setSent] = useState<number | null>(null);
  const [last, setLast] = useState<{ source: string; loaded: Loaded } | null>(null);
  const running = useRef<Upload<Loaded> | null>(null);
  useUnsaved(values.file !== null);
  // A list counts only when it is whole: one who leaves lets it go.
  useEffect(() => () => running.current?.cancel(), []);

  const load = form.onSubmit((values) =>
    saving.save(async () => {
      if (!values.file) return;
      setLast(null);
      setSent(0);
      running.current = upload<Loaded>(`api/v1/number-lists?${query(values)}`, values.file, 'text/csv', setSent);
      try {
        const loaded = await running.current.answer;
        setLast({ source: values.source.trim(), loaded });
        tellDone(t('done', { source: values.source.trim() }));
        form.setValues({ file: null, as_of: '', force: false });
        await cache.invalidateQueries({ queryKey: KEY });
      } catch (problem) {
        if (!(problem instanceof DOMException)) throw problem;
      } finally {
        running.current = null;
        setSent(null);
      }
    }),
  );
  // The server found the file odd: then, and not before, it can be loaded all the same.
  const odd = values.force || (values.file !== null && form.errors.file !== undefined);
  return (
    <Panel>
      <form onSubmit={(event) => void load(event)} noValidate>
        <FormSection title={t('load')} text={t('loadText')}>
          <Select label={t('kind')} allowDeselect={false} data={[{ value: 'do_not_call', label: t('do_not_call') }, { value: 'reassigned', label: t('reassigned') }]} {...form.getInputProps('kind')} />
          <TextInput label={t('source')} description={sources.length > 0 ? t('sourceHintKnown', { sources: sources.join(', ') }) : t('sourceHint')} withAsterisk maxLength={64} autoComplete="off" spellCheck={false} {...form.getInputProps('source')} />
          <TextInput type="date" label={t('asOf')} description={t('asOfHint')} withAsterisk max={dayOf(Date.now() * 1_000)} {...form.getInputProps('as_of')} />
          <Select label={t('region')} description={t('regionHint')} searchable allowDeselect={false} data={countries} value={values.region} error={form.errors.region} onChange={(region) => {
              if (region === null) return;
              keepRegion(region);
              form.setFieldValue('region', region);
            }} />
          <Wide>
            <FileInput
              label={t('file')}
              description={t('fileHint')}
              placeholder={t('filePick')}
              withAsterisk
              clearable
              clearButtonProps={{ 'aria-label': t('common:action.clear') }}
              accept=".csv,.tsv,.txt,text/csv,text/plain"
              leftSection={<Icon name="upload" size={16} />}
              {...form.getInputProps('file')}
            />
          </Wide>
          {odd && <Wide><Checkbox label={t('force')} {...form.getInputProps('force', { type: 'checkbox' })} /></Wide>}
        </FormSection>
        <ErrorNote error={saving.error} faults={saving.rest} />
        {last && (
          <Alert color="petrol" variant="outline" icon={<Icon name="ok" />} mb="md" title={t('inForce', { source: last.source, count: last.loaded.numbers, number: number(last.loaded.numbers) })}>
            {last.loaded.rejected > 0 ? t('rejected', { count: last.loaded.rejected, number: number(last.loaded.rejected), line: number(last.loaded.first_rejected ?? 1) }) : t('allTaken')}
          </Alert>
        )}
        {sent !== null && <Progress value={sent * 100} aria-label={t('sending')} mb="md" />}
        <FormBar text={sent === null ? undefined : sent < 1 ? t('sent', { part: percent(sent, 0) }) : t('reading')}>
          {sent !== null && <Button variant="default" onClick={() => running.current?.cancel()}>{t('common:action.cancel')}</Button>}
          <Button type="submit" loading={saving.busy}>{t('verb')}</Button>
        </FormBar>
      </form>
    </Panel>
  );
}
