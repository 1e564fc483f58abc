/** The file: chosen or dropped, looked at before anything is sent. */
import { Alert, Button } from '@mantine/core';
import { useId, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { bytes } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { usualRegion } from '../../parts/regions';
import { underWay, useImports } from './api';
import { draft, faultOf, FILE_BYTES_MAX, type FileFault } from './draft';
import css from './import.module.css';

export function Choose({ list }: { list: string }) {
  const { t } = useTranslation('lists');
  const id = useId();
  const [over, setOver] = useState(false);
  const [fault, setFault] = useState<{ fault: FileFault; file: File } | null>(null);
  const running = useImports().data?.items.find((item) => item.list === list && underWay(item));

  const take = async (file: File | null | undefined) => {
    if (!file) return;
    const found = await faultOf(file);
    setFault(found && { fault: found, file });
    if (!found) draft.set({ list, file, region: usualRegion(), encoding: null, chosen: null });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  return (
    <>
      {running && (
        <Alert color="petrol" variant="outline" icon={<Icon name="info" />} title={t('runsAlready')} mb="md">
          <Link className="op-link" to={`/lists/${encodeURIComponent(list)}/import?import=${running.id}`}>{running.file_name || t('unnamed')}</Link>
        </Alert>
      )}
      <label
        htmlFor={id}
        className={css.drop}
        data-over={over || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <Icon name="upload" size={32} className={css.dropIcon} />
        <span className={css.dropTitle}>{t('choose')}</span>
        <span className={css.dropText}>{t('chooseText', { most: bytes(FILE_BYTES_MAX) })}</span>
        <input
          id={id}
          type="file"
          accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain"
          className="op-visually-hidden"
          onChange={(event) => {
            void take(event.currentTarget.files?.[0]);
            // The same file again, after it was mended, is a change too.
            event.currentTarget.value = '';
          }}
        />
      </label>
      {fault && (
        <Alert role="alert" color="red" variant="outline" icon={<Icon name="fault" />} title={t(`fault.${fault.fault}`, { file: fault.file.name, size: bytes(fault.file.size) })} mt="md">
          {t(`fault.${fault.fault}Mend`, { most: bytes(FILE_BYTES_MAX) })}
        </Alert>
      )}
      <div className={css.actions}>
        <Button variant="default" component="a" href={`data:text/csv;charset=utf-8,${encodeURIComponent(EXAMPLE)}`} download="leads.csv" leftSection={<Icon name="download" size={16} />}>
          {t('example')}
        </Button>
      </div>
    </>
  );
}

/** Its header is the one that needs no mapping; the numbers are reserved for examples. */
const EXAMPLE = 'phone,first_name,last_name,timezone,external_id\r\n+12125550100,Ann,Lee,America/New_York,C-1001\r\n+442079460018,Tom,Hill,Europe/London,C-1002\r\n';
