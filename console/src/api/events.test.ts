import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventsState, listen, startEvents, stopEvents } from './events';

/** A server that says what a test puts into its streams. */
class Server {
  readonly asked: URL[] = [];
  private streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  /** Answers instead of a stream. */
  refuse: number | null = null;

  readonly fetch = (address: string, init: RequestInit): Promise<Response> => {
    this.asked.push(new URL(address));
    if (this.refuse !== null) return Promise.resolve(new Response('{}', { status: this.refuse }));
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.streams.push(controller);
        init.signal?.addEventListener('abort', () => {
          try {
            controller.error(new DOMException('aborted', 'AbortError'));
          } catch {
            // It had ended before.
          }
        });
      },
    });
    return Promise.resolve(new Response(body, { status: 200 }));
  };

  say(text: string): void {
    this.streams.at(-1)?.enqueue(new TextEncoder().encode(text));
  }

  hangUp(): void {
    this.streams.at(-1)?.close();
  }
}

let server: Server;
const stops: (() => void)[] = [];
const settle = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  server = new Server();
  vi.stubGlobal('fetch', server.fetch);
});

afterEach(() => {
  stopEvents();
  stops.splice(0).forEach((stop) => stop());
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('the stream of events', () => {
  it('hands events to those who listen to their kind or to all that begin alike', async () => {
    const seen: string[] = [];
    stops.push(listen('agent.state', (data) => seen.push(`state ${JSON.stringify(data)}`)), listen('agent.*', (_, kind) => seen.push(`any ${kind}`)));
    startEvents();
    await settle(1);
    server.say('id: 1-1\nevent: agent.state\ndata: {"id":7}\n\nevent: agent.phone\ndata: {}\n\nevent: broken\ndata: {\n\n');
    await settle(1);
    expect(seen).toEqual(['state {"id":7}', 'any agent.state', 'any agent.phone']);
    expect(eventsState.get().kind).toBe('live');
  });

  it('goes on after the last event when it was lost, and says so meanwhile', async () => {
    stops.push(listen('call.*', () => {}));
    startEvents();
    await settle(1);
    server.say('id: 4-17\nevent: call.ringing\ndata: {}\n\nevent: board\ndata: {}\n\n');
    await settle(1);
    server.hangUp();
    await settle(1);
    expect(eventsState.get().kind).toBe('reconnecting');
    await settle(500);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[1]?.searchParams.get('after')).toBe('4-17');
    expect(eventsState.get().kind).toBe('live');
  });

  it('has all read anew when it was lost before any event had a number', async () => {
    let resets = 0;
    stops.push(listen('board', () => {}), listen('reset', () => (resets += 1)));
    startEvents();
    await settle(1);
    server.say('event: board\ndata: {}\n\n');
    await settle(1);
    expect(resets).toBe(0);
    server.hangUp();
    await settle(600);
    expect([server.asked.length, server.asked[1]?.searchParams.get('after'), resets]).toEqual([2, null, 1]);
    // With a number the server knows what was missed.
    server.say('id: 4-17\nevent: board\ndata: {}\n\n');
    await settle(1);
    server.hangUp();
    await settle(600);
    expect([server.asked.length, resets]).toEqual([3, 1]);
  });

  it('is closed while nobody sees the tab, and goes on when somebody does', async () => {
    const seen = vi.spyOn(document, 'visibilityState', 'get');
    const turn = (state: DocumentVisibilityState) => {
      seen.mockReturnValue(state);
      document.dispatchEvent(new Event('visibilitychange'));
    };
    stops.push(listen('call.*', () => {}));
    startEvents();
    await settle(1);
    server.say('id: 4-17\nevent: call.ringing\ndata: {}\n\n');
    turn('hidden');
    await settle(5_000);
    turn('visible');
    await settle(20_000);
    expect(server.asked).toHaveLength(1);
    turn('hidden');
    await settle(60_000);
    expect([server.asked.length, eventsState.get().kind]).toEqual([1, 'off']);
    turn('visible');
    await settle(1);
    expect([server.asked.length, eventsState.get().kind]).toEqual([2, 'live']);
    expect(server.asked[1]?.searchParams.get('after')).toBe('4-17');
    stopEvents();
    turn('visible');
    await settle(1);
    expect(server.asked).toHaveLength(2);
  });

  it('asks less and less often while nobody answers', async () => {
    server.refuse = 503;
    stops.push(listen('board', () => {}));
    startEvents();
    await settle(60_000);
    // 0, 0.5, 2, 6.5, then each 15 s at most.
    expect(server.asked.length).toBeGreaterThan(4);
    expect(server.asked.length).toBeLessThan(9);
  });

  it('takes a stream that says nothing for dead', async () => {
    stops.push(listen('board', () => {}));
    startEvents();
    await settle(30_000);
    server.say(': still here\n\n');
    await settle(30_000);
    expect(server.asked).toHaveLength(1);
    await settle(15_000);
    expect(server.asked).toHaveLength(2);
  });

  it('asks for other kinds as soon as somebody listens to them', async () => {
    stops.push(listen('board', () => {}));
    startEvents();
    await settle(1);
    const stop = listen('call.*', () => {});
    await settle(150);
    expect(server.asked.at(-1)?.searchParams.get('kinds')).toBe('board,call.*');
    stop();
    await settle(150);
    expect(server.asked.at(-1)?.searchParams.get('kinds')).toBe('board');
    expect(server.asked).toHaveLength(3);
  });

  it('ends when the login has', async () => {
    server.refuse = 401;
    stops.push(listen('board', () => {}));
    startEvents();
    await settle(60_000);
    expect(server.asked).toHaveLength(1);
  });
});
