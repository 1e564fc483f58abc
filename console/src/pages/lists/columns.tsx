/** Which column holds which field, and how the first rows would be read; asked anew with each change. */
import { Alert, Button, Select, Stack } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { send, type Thing } from '../../api/client';
import { ErrorNote } from '../../parts/error_state';
import { bytes, NONE, number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Pairs } from '../../parts/pairs';
import { Panel } from '../../parts/panel';
import { keepRegion, regions } from '../../parts/regions';
import { useWords } from '../../parts/words';
import { draft as kept, ENCODINGS, mapText, PREVIEW_BYTES, readingOf, type Draft } from './draft';
import { FIELDS, isField, type Field } from './fields';
import css from './import.module.css';

type Preview = Thing<'ImportPreview'>;

/** Which column each field is read from: by hand, else as the server suggests. */
function columnsOf(draft: Draft, preview: Preview | undefined): Partial<Record<Field, string>> {
  if (draft.chosen) return draft.chosen;
  const found: Partial<Record<Field, string>> = {};
  for (const column of preview?.columns ?? []) if (isField(column.field)) found[column.field] = column.name;
  return found;
}

export function Columns({ draft, error, onSend }: { draft: Draft; error: unknown; onSend: (map: string, dry: boolean) => void }) {
  const { t } = useTranslation('lists');
  const word = useWords();
  const countries = useMemo(regions, []);
  const asked = draft.chosen && mapText(draft.chosen);
  const found = useQuery({
    // The file is the same as long as its name, size and time are.
    queryKey: ['preview', draft.file.name, draft.file.size, draft.file.lastModified, draft.region, draft.encoding, asked],
    queryFn: async ({ signal }) => {
      const query = readingOf(draft);
      if (asked) query.set('map', asked);
      // A file goes as it is, which the typed client cannot do.
      const init = { method: 'POST', headers: { 'Content-Type': 'text/csv' }, body: draft.file.slice(0, PREVIEW_BYTES), signal };
      return (await send(`api/v1/imports/preview?${query}`, init)).json() as Promise<Preview>;
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const preview = found.data;
  const columns = columnsOf(draft, preview);
  const change = (some: Partial<Draft>) => kept.set({ ...draft, ...some });
  const choose = (field: Field, column: string | null) => change({ chosen: { ...columns, [field]: column ?? undefined } });
  const go = (dry: boolean) => {
    const map = mapText(columns);
    kept.set({ ...draft, map });
    onSend(map, dry);
  };
  const other = <Button variant="default" onClick={() => kept.set(null)}>{t('otherFile')}</Button>;
  const names = preview?.columns.map((column) => column.name) ?? [];
  const unused = names.filter((name) => !Object.values(columns).includes(name));
  const read = preview?.rows.filter((row) => !row.fault).length ?? 0;
  const zones = columns.timezone === undefined;

  return (
    <>
      <div className={css.two}>
        <Stack gap="md">
          <Panel title={t('theFile')}>
            <Pairs
              of={[
                [t('file'), draft.file.name],
                [t('size'), bytes(draft.file.size)],
                [t('delimiter'), preview ? delimiter(preview.delimiter, t) : NONE],
              ]}
            />
            <Select
              mt="sm"
              label={t('encoding')}
              description={t('encodingHelp')}
              data={[...ENCODINGS]}
              value={draft.encoding}
              // Columns that were chosen by hand may have other names then.
              onChange={(encoding) => change({ encoding, chosen: null })}
              placeholder={preview ? t('encodingFound', { encoding: preview.encoding }) : NONE}
              clearable
              clearButtonProps={{ 'aria-label': t('clear') }}
              searchable
              nothingFoundMessage={t('noneFit')}
            />
          </Panel>
          <Panel title={t('columns')}>
            <Stack gap="sm">
              {FIELDS.map((field) => {
                const column = preview?.columns.find((one) => one.name === columns[field]);
                return (
                  <div key={field}>
                    <Select
                      label={word('field', field)}
                      required={field === 'phone'}
                      data={[...new Set(names)]}
                      value={columns[field] ?? null}
                      onChange={(value) => choose(field, value)}
                      placeholder={t('leftOut')}
                      clearable={field !== 'phone'}
                      clearButtonProps={{ 'aria-label': t('clear') }}
                      searchable={names.length > 8}
                      error={field === 'phone' && preview && !columns.phone ? t('needsPhone') : undefined}
                    />
                    {column && column.samples.length > 0 && <div className={css.samples} title={column.samples.join(', ')}>{column.samples.slice(0, 3).join(', ')}</div>}
                  </div>
                );
              })}
              <Select
                label={t('region')}
                description={t('regionHelp')}
                data={countries}
                value={draft.region}
                onChange={(region) => {
                  if (!region) return;
                  keepRegion(region);
                  change({ region });
                }}
                searchable
                allowDeselect={false}
                nothingFoundMessage={t('noneFit')}
              />
              {unused.length > 0 && <div className={css.samples}>{t('unused', { count: unused.length, columns: unused.join(', ') })}</div>}
            </Stack>
          </Panel>
        </Stack>
        <Panel title={t('firstRows')} aside={preview && t('firstRowsRead', { read: number(read), count: preview.rows.length })} flush>
          {found.error ? (
            <div style={{ padding: 16 }}><ErrorNote error={found.error} /></div>
          ) : preview && preview.missing.length > 0 ? (
            <div className={css.dropText} style={{ padding: 16 }}>{t('noPhoneYet')}</div>
          ) : preview ? (
            <Rows preview={preview} />
          ) : (
            <div className={css.dropText} style={{ padding: 16 }} role="status">{t('looking')}</div>
          )}
        </Panel>
      </div>
      {zones && preview && !found.error && <Alert color="gray" variant="outline" icon={<Icon name="info" />} mt="md">{t('zonesFromNumbers')}</Alert>}
      {error ? <div style={{ marginTop: 16 }}><ErrorNote error={error} /></div> : null}
      <div className={css.bar}>
        {other}
        <Button variant="default" disabled={!columns.phone || !preview} onClick={() => go(false)}>{t('importNow')}</Button>
        <Button disabled={!columns.phone || !preview} onClick={() => go(true)}>{t('check')}</Button>
      </div>
    </>
  );
}

function delimiter(text: string, t: ReturnType<typeof useTranslation<'lists'>>['t']): string {
  if (text === ',' || text === 'comma') return t('comma');
  if (text === ';' || text === 'semicolon') return t('semicolon');
  if (text === '\t' || text === 'tab') return t('tab');
  return text;
}

function Rows({ preview }: { preview: Preview }) {
  const { t } = useTranslation('lists');
  const word = useWords();
  const shown = FIELDS.filter((field) => preview.rows.some((row) => row.fields[field] !== undefined || row.fault?.field === field));
  return (
    <div className={css.tableBox} tabIndex={0} role="group" aria-label={t('firstRows')}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{t('line')}</th>
            {shown.map((field) => <th key={field} scope="col">{word('field', field)}</th>)}
          </tr>
        </thead>
        <tbody>
          {preview.rows.map((row) => (
            <tr key={row.line}>
              <th scope="row">{row.line}</th>
              {shown.map((field) => {
                const fault = row.fault?.field === field ? row.fault : null;
                return (
                  <td key={field} className={fault ? css.fault : undefined}>
                    {fault ? fault.value || t('emptyCell') : (row.fields[field] ?? '')}
                    {fault && <div className={css.faultText}>{fault.reason}</div>}
                    {field === 'phone' && row.note && <div className={css.note}>{row.note === 'leading_zero' ? t('leadingZero') : t('otherNote', { note: row.note })}</div>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
