/** Spans of time as people choose them: today, yesterday, seven days, or from one moment to another; by their own clock. */
export type SpanName = 'today' | 'yesterday' | 'week' | 'own' | 'all';

export interface SpanFilters {
  span: string;
  from: string;
  to: string;
}

/** From the first moment on and before the second, in microseconds since 1970; `null` is open. */
export interface Span {
  from_us: number | null;
  to_us: number | null;
}

function midnight_us(days: number, now: Date): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime() * 1_000;
}

function instant_us(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms * 1_000;
}

export function spanName(filters: SpanFilters, usual: SpanName): SpanName {
  const { span } = filters;
  if (span === 'today' || span === 'yesterday' || span === 'week' || span === 'all' || span === 'own') return span;
  return filters.from || filters.to ? 'own' : usual;
}

/** What the filters of the address say. Days begin at midnight here, also on days of 23 and 25 hours. */
export function spanOf(filters: SpanFilters, usual: SpanName, now = new Date()): Span {
  switch (spanName(filters, usual)) {
    case 'today':
      return { from_us: midnight_us(0, now), to_us: null };
    case 'yesterday':
      return { from_us: midnight_us(-1, now), to_us: midnight_us(0, now) };
    case 'week':
      return { from_us: midnight_us(-6, now), to_us: null };
    case 'own':
      return { from_us: instant_us(filters.from), to_us: instant_us(filters.to) };
    case 'all':
      return { from_us: null, to_us: null };
  }
}

/** As the API wants it in a query. */
export function spanQuery(span: Span): { from?: string; to?: string } {
  return { from: span.from_us === null ? undefined : String(span.from_us), to: span.to_us === null ? undefined : String(span.to_us) };
}

/** A moment for `<input type="datetime-local">`: the clock's own digits without a zone. */
export function localInput(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
