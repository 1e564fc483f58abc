/** Server-sent events out of a stream of text, by the rules of the HTML standard (section 9.2.6). */

export interface SseEvent {
  id: string | null;
  kind: string;
  data: string;
}

/** The longest event that is believed; a whole board is some kilobytes, a thousand times less. */
const EVENT_CHARS_MAX = 8 * 1024 * 1024;

/** Takes pieces of text as they come and gives the events that are complete. */
export class SseParser {
  private rest = '';
  private id: string | null = null;
  private kind = '';
  private lines: string[] = [];
  private chars = 0;

  /** Comments (heartbeats) give nothing. Throws when an event has no end. */
  take(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    this.rest += text;
    let from = 0;
    for (;;) {
      const end = this.rest.indexOf('\n', from);
      if (end < 0) break;
      const line = this.rest.slice(from, this.rest[end - 1] === '\r' && end > from ? end - 1 : end);
      from = end + 1;
      const event = this.line(line);
      if (event) events.push(event);
    }
    this.rest = this.rest.slice(from);
    if (this.rest.length + this.chars > EVENT_CHARS_MAX) throw new Error('an event has no end');
    return events;
  }

  private line(line: string): SseEvent | null {
    if (line === '') {
      const event = this.lines.length > 0 ? { id: this.id, kind: this.kind || 'message', data: this.lines.join('\n') } : null;
      this.kind = '';
      this.lines = [];
      this.chars = 0;
      // An id counts for its own event here: events without one must not be resumed after.
      this.id = null;
      return event;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') this.id = value;
    else if (field === 'event') this.kind = value;
    else if (field === 'data') {
      this.lines.push(value);
      this.chars += value.length;
    }
    return null;
  }
}
