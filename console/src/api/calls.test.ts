import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followCalls, liveCalls, type Call } from './calls';
import { dispatch } from './events';

function call(id: number, state = 'ringing'): Call {
  return { id, direction: 'outbound', state, from: '1', to: '2', began_us: id } as Call;
}

let answer: (items: Call[]) => void;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => {
    answer = (items) => resolve(new Response(JSON.stringify({ items }), { status: 200, headers: { 'Content-Type': 'application/json' } }));
  }));
  stop = followCalls();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const ids = () => liveCalls.get().calls.map((one) => one.id);
const event = (kind: string, one: Call) => dispatch(`call.${kind}`, JSON.stringify(one));
const settle = (ms = 300) => vi.advanceTimersByTimeAsync(ms);

describe('calls under way', () => {
  it('begin with the list and follow the events, oldest first', async () => {
    await settle(0);
    answer([call(3), call(1)]);
    await settle();
    event('dialling', call(5));
    event('ended', call(1));
    event('answered', call(3, 'answered'));
    await settle();
    expect(ids()).toEqual([3, 5]);
    expect(liveCalls.get().calls[0]?.state).toBe('answered');
  });

  it('do not come back when the list was asked for before they ended', async () => {
    await settle(0);
    event('ended', call(1));
    answer([call(1), call(2)]);
    await settle();
    expect(ids()).toEqual([2]);
  });

  it('are as the latest event said, whatever an older list says, and keep the quality of the list', async () => {
    await settle(0);
    event('answered', call(1, 'answered'));
    event('dialling', call(3, 'dialling'));
    answer([{ ...call(1, 'ringing'), quality: { mos: 4.2 } } as Call]);
    await settle();
    expect(liveCalls.get().calls.map((one) => [one.id, one.state, one.quality?.mos])).toEqual([[1, 'answered', 4.2], [3, 'dialling', undefined]]);
    event('connected', call(1, 'connected'));
    await settle();
    expect(liveCalls.get().calls[0]).toMatchObject({ state: 'connected', quality: { mos: 4.2 } });
  });

  it('are shown at most four times a second', async () => {
    await settle(0);
    answer([]);
    await settle();
    let shown = 0;
    const unsubscribe = liveCalls.subscribe(() => (shown += 1));
    for (let id = 1; id <= 400; id += 1) {
      event('dialling', call(id));
      await settle(5);
    }
    unsubscribe();
    expect(shown).toBeGreaterThan(5);
    expect(shown).toBeLessThan(10);
    expect(ids()).toHaveLength(400);
  });

  it('are forgotten when nobody looks', async () => {
    await settle(0);
    answer([call(1)]);
    await settle();
    stop();
    expect(liveCalls.get()).toEqual({ calls: [], loading: true, problem: null });
    stop = followCalls();
  });
});
