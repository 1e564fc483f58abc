import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const stream = 'id: 7-1\nevent: call.ringing\ndata: {"id":1}\n\n: still here\n\nevent: board\r\ndata: a\r\ndata: b\r\n\r\n';

describe('SseParser', () => {
  it('gives the same events however the stream is cut', () => {
    const wanted = [
      { id: '7-1', kind: 'call.ringing', data: '{"id":1}' },
      { id: null, kind: 'board', data: 'a\nb' },
    ];
    for (let cut = 1; cut <= stream.length; cut += 1) {
      const parser = new SseParser();
      const events = [];
      for (let at = 0; at < stream.length; at += cut) events.push(...parser.take(stream.slice(at, at + cut)));
      expect(events, `pieces of ${cut}`).toEqual(wanted);
    }
  });

  it('holds an event back until it is complete, and gives a comment to nobody', () => {
    const parser = new SseParser();
    expect(parser.take('data: half')).toEqual([]);
    expect(parser.take('\n')).toEqual([]);
    expect(parser.take('\n: note\n\n')).toEqual([{ id: null, kind: 'message', data: 'half' }]);
  });

  it('refuses an event without an end instead of keeping it', () => {
    const parser = new SseParser();
    expect(() => {
      for (let i = 0; i < 10; i += 1) parser.take(`data: ${'x'.repeat(1024 * 1024)}\n`);
    }).toThrow();
  });
});
