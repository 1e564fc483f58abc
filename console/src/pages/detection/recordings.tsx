/** Fixed recordings that calls are held against: the same opening on three numbers is no person. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { ConfirmButton } from '../../parts/confirm';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { dateTime, number } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { Panel } from '../../parts/panel';
import { tellDone } from '../../parts/told';
import { useWords } from '../../parts/words';
import css from './detection.module.css';

type Recording = Thing<'RecordingView'>;

const KEY = ['amd-recordings'];
/** So much of a hash tells recordings apart by eye. */
const ID_CHARS = 8;
/** They are learnt and met as calls come. */
const EVERY_MS = 15_000;

export function Recordings() {
  const { t } = useTranslation('detection');
  const word = useWords();
  const mayForget = useMay('supervisor');
  const found = useQuery({ queryKey: KEY, queryFn: () => data(api.GET('/api/v1/amd/recordings')), refetchInterval: EVERY_MS });
  const rows = (found.data?.items ?? []).toSorted((a, b) => b.learnt_us - a.learnt_us);
  const columns: Column<Recording>[] = [
    { key: 'kind', head: t('recordings.kind'), width: 'minmax(150px, 1.5fr)', narrow: 'first', cell: (row) => (row.kind == null ? t('recordings.unread') : word('verdict', row.kind)) },
    { key: 'learnt', head: t('recordings.learnt'), width: '150px', cell: (row) => <Moment at_us={row.learnt_us} /> },
    { key: 'met', head: t('recordings.met'), width: '130px', cell: (row) => number(row.met) },
    { key: 'last', head: t('recordings.last'), width: '150px', cell: (row) => <Moment at_us={row.met_us} /> },
    { key: 'id', head: t('recordings.id'), width: '110px', spare: 1, cell: (row) => <code title={row.id}>{row.id.slice(0, ID_CHARS)}</code> },
    ...(mayForget ? [{ key: 'forget', head: t('recordings.forget'), hidden: true, width: '100px', align: 'right', narrow: 'corner', cell: (row) => <Forget recording={row} /> } satisfies Column<Recording>] : []),
  ];
  return (
    <Panel title={t('recordings.title')} aside={rows.length > 0 ? t('recordings.known', { count: rows.length, number: number(rows.length) }) : undefined} flush>
      {rows.length > 0 && <p className={`${css.text} ${css.hint} ${css.intro}`}>{t('recordings.text')}</p>}
      <DataTable
        label={t('recordings.title')}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        loading={found.isPending}
        error={found.error}
        onRetry={() => void found.refetch()}
        height="360px"
        empty={<EmptyState icon="listening" title={t('recordings.none')} text={t('recordings.noneText')} />}
      />
    </Panel>
  );
}

function Forget({ recording }: { recording: Recording }) {
  const { t } = useTranslation('detection');
  const cache = useQueryClient();
  const at = dateTime(recording.learnt_us);
  return (
    <ConfirmButton
      size="compact-sm"
      variant="default"
      aria-label={t('recordings.forgetOf', { at, id: recording.id.slice(0, ID_CHARS) })}
      question={{
        title: t('recordings.forgetTitle'),
        text: t('recordings.forgetText', { at }),
        verb: t('recordings.forget'),
        danger: true,
        run: async () => {
          await api.DELETE('/api/v1/amd/recordings/{id}', { params: { path: { id: recording.id } } });
          await cache.invalidateQueries({ queryKey: KEY });
          tellDone(t('recordings.forgotten'));
        },
      }}
    >
      {t('recordings.forget')}
    </ConfirmButton>
  );
}
