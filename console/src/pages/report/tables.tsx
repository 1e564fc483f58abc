/** Parts of a report as tables: by what attempts have in common, and by agent. */
import { SegmentedControl } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { hours, NONE, number, percent } from '../../parts/format';
import { Panel } from '../../parts/panel';
import css from './report.module.css';

type Report = Thing<'Report'>;
type Segment = Thing<'Segment'>;

const KINDS = ['attempt_number', 'segment', 'region', 'timezone', 'trunk', 'list'] as const;
type Kind = (typeof KINDS)[number];
/** Agents and segments beyond these are in the file. */
const ROWS_MAX = 200;

export function Segments({ segments }: { segments: Report['segments'] }) {
  const { t } = useTranslation('report');
  const [kind, setKind] = useState<Kind>('attempt_number');
  return (
    <Panel title={t('segments')} aside={<SegmentedControl size="xs" className="op-no-print" aria-label={t('segments')} data={KINDS.map((one) => ({ value: one, label: t(`kind.${one}`) }))} value={kind} onChange={(value) => setKind(value as Kind)} />} flush>
      <SegmentTable kind={kind} rows={segments[kind]} />
    </Panel>
  );
}

function SegmentTable({ kind, rows }: { kind: Kind; rows: Segment[] }) {
  const { t } = useTranslation('report');
  const share = (count: number, whole: number) => (whole > 0 ? percent(count / whole, 1) : NONE);
  return (
    <Table
      label={t(`kind.${kind}`)}
      heads={[t(`kind.${kind}`), t('attempts'), t('answered'), t('answerRate'), t('connected'), t('connectRate'), t('abandoned'), t('talk')]}
      rows={rows.slice(0, ROWS_MAX).map((row) => ({
        key: row.key,
        cells: [
          row.key || t('none'), number(row.attempts), number(row.answered), share(row.answered, row.attempts), number(row.connected),
          share(row.connected, row.attempts), number(row.abandoned), hours(row.talk_s),
        ],
      }))}
      cut={rows.length > ROWS_MAX}
    />
  );
}

export function Agents({ agents }: { agents: Report['agents'] }) {
  const { t } = useTranslation('report');
  const rows = [...agents].sort((a, b) => b.connected - a.connected);
  return (
    <Panel title={t('agents')} flush={rows.length > 0}>
      {rows.length === 0 ? (
        <div className={css.none}>{t('noAgents')}</div>
      ) : (
        <Table
          label={t('agents')}
          heads={[t('agent'), t('connected'), t('talk'), t('talkEach')]}
          rows={rows.slice(0, ROWS_MAX).map((row) => ({
            key: row.agent,
            cells: [row.agent, number(row.connected), hours(row.talk_s), row.connected > 0 ? hours(row.talk_s / row.connected) : NONE],
          }))}
          cut={rows.length > ROWS_MAX}
        />
      )}
    </Panel>
  );
}

function Table({ label, heads, rows, cut }: { label: string; heads: string[]; rows: { key: string; cells: ReactNode[] }[]; cut: boolean }) {
  const { t } = useTranslation('report');
  return (
    <>
      <div className={css.tableBox} tabIndex={0} role="group" aria-label={label}>
        <table className={css.table}>
          <thead>
            <tr>{heads.map((head) => <th key={head} scope="col">{head}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                {row.cells.map((cell, index) => (index === 0 ? <th key={heads[index]} scope="row">{cell}</th> : <td key={heads[index]}>{cell}</td>))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {cut && <div className={css.cut}>{t('cut', { count: ROWS_MAX })}</div>}
    </>
  );
}
