/**
 * Rows, many of them: only those in sight are in the page, the next page of the server is fetched before the end comes in
 * sight, and everything works by keyboard (arrows, Page, Home, End; Enter opens). On phones a row becomes a card.
 *
 * It scrolls in a box of its own so that its head and what stands above stay.
 */
import { Button, Loader } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import css from './data_table.module.css';
import { ErrorState } from './error_state';
import { Icon } from './icons';

export interface Column<Row> {
  key: string;
  head: string;
  /** The head is for screen readers alone: the cells hold buttons, which say what they do. */
  hidden?: boolean;
  cell: (row: Row) => ReactNode;
  /** A grid track: `120px`, `minmax(140px, 2fr)`; 1fr of at least 96px unless said otherwise. */
  width?: string;
  align?: 'left' | 'right';
  /** Where all do not fit, columns with a number are left out, the highest first: something else on the page says it. */
  spare?: number;
  /** On phones: `first` is the card's heading, `corner` stands beside it, `hide` is left out, else it stands below with its head. */
  narrow?: 'first' | 'corner' | 'hide';
  /** The head sorts: given when the server (or the page) can. */
  sort?: { now: 'ascending' | 'descending' | null; turn: () => void };
}

export interface DataTableProps<Row> {
  /** What the rows are, for screen readers. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowId: (row: Row) => string | number;
  /** Enter or a click on a row. */
  onOpen?: (row: Row) => void;
  /** The row that is open beside the table. */
  openId?: string | number | null;
  /** There are more rows on the server than are kept here: says so, and what to do. */
  cut?: string | false;
  /** More rows are on the server. */
  more?: { has: boolean; loading: boolean; load: () => void };
  loading?: boolean;
  /** The rows are of a filter before; the new ones are on their way. */
  stale?: boolean;
  error?: unknown;
  onRetry?: () => void;
  empty: ReactNode;
  /** Height of the box, CSS; down to the end of the window unless said otherwise. */
  height?: string;
}

/** Below this width a row is a card. */
const NARROW = '(max-width: 47.99em)';
const ROW_PX = 40;
const CARD_PX = 92;
/** A column that names no width of its own. */
const COLUMN_PX = 96;
/** Left and right of a row. */
const EDGES_PX = 16;
/** Below the box, for the edge of the page; on phones the bar lies there too. */
const BELOW_PX = 40;
const BELOW_NARROW_PX = 84;
/** So much of a table is in sight even where it begins low. */
const LEAST_HEIGHT_PX = 320;
/** Rows rendered outside of what is in sight, so that a quick scroll does not meet white. */
const OVERSCAN_ROWS = 12;
/** The next page is fetched when so few rows are left below. */
const AHEAD_ROWS = 30;

/** How wide the box is, and how far from the top of the page. Measured again whenever something above it may have changed. */
function usePlace(box: RefObject<HTMLDivElement | null>): { width: number | null; top: number } {
  const [place, setPlace] = useState<{ width: number | null; top: number }>({ width: null, top: 0 });
  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const { left, top, width } = element.getBoundingClientRect();
    if (left === 0 && width === 0) return;
    const now = { width: Math.round(width), top: Math.round(top + window.scrollY) };
    setPlace((old) => (old.width === now.width && old.top === now.top ? old : now));
  }, [box]);
  useLayoutEffect(measure);
  useEffect(() => {
    const watcher = new ResizeObserver(measure);
    watcher.observe(document.body);
    return () => watcher.disconnect();
  }, [measure]);
  return place;
}

const leastPx = (column: { width?: string }) => Number(/(\d+)px/.exec(column.width ?? '')?.[1] ?? COLUMN_PX);

/** The columns that stand side by side in so much room. */
export function columnsIn<Row>(columns: Column<Row>[], width_px: number | null): Column<Row>[] {
  const kept = [...columns];
  const over = () => width_px !== null && kept.reduce((sum, column) => sum + leastPx(column), EDGES_PX) > width_px;
  for (const column of columns.filter((one) => one.spare !== undefined).sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0))) {
    if (!over()) break;
    kept.splice(kept.indexOf(column), 1);
  }
  return kept;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns: offered, rows, rowId, onOpen, openId, more, cut, loading, stale, error, onRetry, empty, height } = props;
  const { t } = useTranslation();
  const narrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false });
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  // Rows come and go while one stands on them: the row is known by its id, the index says who is next when it is gone.
  const [stand, setStand] = useState<{ id: string | number | null; index: number }>({ id: null, index: 0 });
  /** The row that holds the focus, itself or something in it. */
  const held = useRef<string | number | null>(null);
  const place = usePlace(box);
  const columns = narrow ? offered : columnsIn(offered, place.width);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => (narrow ? CARD_PX : ROW_PX),
    overscan: OVERSCAN_ROWS,
    getItemKey: (index) => rowId(rows[index] as Row),
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const kept = stand.id === null ? -1 : rows.findIndex((row) => rowId(row) === stand.id);
  const at = Math.max(0, Math.min(rows.length - 1, kept < 0 ? stand.index : kept));

  useEffect(() => {
    if (more?.has && !more.loading && !error && last >= rows.length - AHEAD_ROWS && rows.length > 0) more.load();
  }, [last, rows.length, more, error]);

  const go = useCallback(
    (index: number) => {
      const to = Math.max(0, Math.min(rows.length - 1, index));
      const row = rows[to];
      if (row === undefined) return;
      setStand({ id: rowId(row), index: to });
      virtual.scrollToIndex(to);
      const focus = () => {
        const element = box.current?.querySelector<HTMLElement>(`[data-index="${to}"]`);
        element?.focus({ preventScroll: true });
        return element;
      };
      // At once, so that the next key is this row's already; one that was far away has to be rendered first.
      if (!focus()) requestAnimationFrame(focus);
    },
    [rows, rowId, virtual],
  );

  // The row stands elsewhere now: whoever comes after it is known from there.
  useEffect(() => {
    if (kept >= 0 && kept !== stand.index) setStand({ id: stand.id, index: kept });
  }, [kept, stand]);

  // The row in focus has ended: the one that took its place gets the focus, not the top of the page.
  useEffect(() => {
    if (held.current === null || rows.some((row) => rowId(row) === held.current)) return;
    held.current = null;
    go(at);
  }, [rows, rowId, at, go]);

  const onKey = (event: KeyboardEvent) => {
    // Buttons and links inside a row keep their keys.
    const { index } = (event.target as HTMLElement).dataset;
    if (index === undefined) return;
    // The row at hand, which may stand elsewhere than when it got the focus.
    const at = Number(index);
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 400) / (narrow ? CARD_PX : ROW_PX)) - 1);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 };
    const to = steps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      go(to);
    } else if ((event.key === 'Enter' || event.key === ' ') && onOpen) {
      const row = rows[at];
      event.preventDefault();
      if (row !== undefined) onOpen(row);
    }
  };

  if (error && rows.length === 0) return <ErrorState error={error} onRetry={onRetry} />;
  if (loading && rows.length === 0) return <div className={css.wait} role="status"><Loader size="sm" aria-hidden /> {t('table.loading')}</div>;
  if (rows.length === 0) return <>{empty}</>;

  const tracks = columns.map((column) => column.width ?? 'minmax(96px, 1fr)').join(' ');
  // Head and rows are grids of their own: only with the same width do their columns meet.
  const least_px = columns.reduce((sum, column) => sum + leastPx(column), EDGES_PX);
  const first = columns.find((column) => column.narrow === 'first') ?? columns[0];
  const corner = columns.find((column) => column.narrow === 'corner');
  const others = columns.filter((column) => column !== first && column !== corner && column.narrow !== 'hide');
  return (
    <div className={css.frame}>
      <div
        ref={box}
        className={css.box}
        style={{ maxHeight: height ?? `max(${LEAST_HEIGHT_PX}px, calc(100dvh - ${place.top + (narrow ? BELOW_NARROW_PX : BELOW_PX)}px))` }}
        role="grid"
        aria-label={label}
        aria-busy={stale || undefined}
        aria-rowcount={more?.has ? -1 : rows.length + 1}
        aria-colcount={narrow ? 1 : columns.length}
        onKeyDown={onKey}
      >
        <div role="rowgroup" className={narrow ? 'op-visually-hidden' : css.head} style={narrow ? undefined : { minWidth: least_px }}>
          <div role="row" aria-rowindex={1} className={css.row} style={{ gridTemplateColumns: tracks }}>
            {(narrow ? [first] : columns).map((column) => column && (
              <div key={column.key} role="columnheader" className={css.headCell} data-align={column.align} aria-sort={column.sort ? (column.sort.now ?? 'none') : undefined}>
                {column.sort && !narrow ? (
                  <button type="button" className={css.sort} onClick={column.sort.turn}>
                    {column.head}
                    {column.sort.now && <Icon name={column.sort.now === 'ascending' ? 'up' : 'down'} size={12} />}
                  </button>
                ) : column.hidden ? (
                  <span className="op-visually-hidden">{column.head}</span>
                ) : (
                  column.head
                )}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className={css.body} style={{ height: virtual.getTotalSize(), minWidth: narrow ? undefined : least_px }}>
          {items.map((item) => {
            const row = rows[item.index] as Row;
            const open = openId != null && rowId(row) === openId;
            return (
              <div
                key={item.key}
                ref={narrow ? virtual.measureElement : undefined}
                id={`${id}-${item.index}`}
                data-index={item.index}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={openId !== undefined ? open : undefined}
                // Tab comes to one row; arrows go on from there.
                tabIndex={item.index === at || (item === items[0] && !items.some((one) => one.index === at)) ? 0 : -1}
                className={narrow ? css.card : css.row}
                data-openable={onOpen ? true : undefined}
                style={{ transform: `translateY(${item.start}px)`, gridTemplateColumns: narrow ? undefined : tracks, height: narrow ? undefined : ROW_PX }}
                onFocus={() => {
                  held.current = rowId(row);
                  setStand({ id: rowId(row), index: item.index });
                }}
                onBlur={(event) => {
                  // Another window in front takes nothing away.
                  if (document.activeElement !== event.target) held.current = null;
                }}
                onClick={(event) => {
                  // A click on a button or link of the row is theirs, and marking text is no click.
                  if ((event.target as HTMLElement).closest('a, button, input') || window.getSelection()?.toString()) return;
                  onOpen?.(row);
                }}
              >
                {narrow ? (
                  <div role="gridcell">
                    <div className={css.cardHead}>
                      <div className={css.cardTitle}>{first?.cell(row)}</div>
                      {corner?.cell(row)}
                    </div>
                    <dl className={css.pairs}>
                      {others.map((column) => (
                        <div key={column.key} className={css.pair}>
                          <dt>{column.head}</dt>
                          <dd>{column.cell(row)}</dd>
                        </div>
                      ))}
                    </dl>
                  </div>
                ) : (
                  columns.map((column) => (
                    <div key={column.key} role="gridcell" className={css.cell} data-align={column.align}>{column.cell(row)}</div>
                  ))
                )}
              </div>
            );
          })}
        </div>
      </div>
      {more?.loading && <div className={css.foot} role="status"><Loader size="xs" aria-hidden /> {t('table.loadingMore')}</div>}
      {cut && <div className={css.foot} role="status">{cut}</div>}
      {error && rows.length > 0 ? (
        <div className={css.foot} role="alert">
          {t('table.moreFailed')} <Button size="compact-xs" variant="default" onClick={onRetry}>{t('action.retry')}</Button>
        </div>
      ) : null}
    </div>
  );
}
