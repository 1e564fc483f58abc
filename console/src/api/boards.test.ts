import { afterEach, describe, expect, it, vi } from 'vitest';
import { COLUMNS, fillTrack, forgetBoards, Track, TRACK_POINTS, type BoardCampaign, type ColumnName } from './boards';

function campaign(talking: number): BoardCampaign {
  const agents = { logged_out: 0, on_break: 0, ready: 2, reserved: 0, talking, wrap_up: 1 };
  return {
    id: 1, name: 'spring', state: 'running', why: '', why_code: 'price', attempts: talking * 10, ringing: 3, answered: 0, waiting: 0, talking,
    in_message: 0, connected: 5, abandoned: 1, ledger: [], agents, occupancy: 0.5, outcomes: {}, leads: {},
  };
}

const columnsOf = (values: number[]) => Object.fromEntries(COLUMNS.map((name) => [name, values])) as Record<ColumnName, number[]>;

describe('Track', () => {
  it('keeps the last points and never more than twice as many', () => {
    const track = new Track();
    for (let at = 1; at <= 10 * TRACK_POINTS; at += 1) {
      track.push(at, campaign(at));
      expect(track.at_s.length).toBeLessThan(2 * TRACK_POINTS);
    }
    const [at, talking] = track.view(['talking'], TRACK_POINTS);
    expect(at).toHaveLength(TRACK_POINTS);
    expect(at.at(-1)).toBe(10 * TRACK_POINTS);
    expect(talking).toEqual(at);
  });

  it('takes no moment twice and none that lies before', () => {
    const track = new Track();
    for (const at of [5, 5, 4, 6]) track.push(at, campaign(at));
    expect(track.view(['talking'], 10)).toEqual([[5, 6], [5, 6]]);
  });

  it('puts what the server remembers before what came since', () => {
    const track = new Track();
    for (const at of [99, 100, 101, 102]) track.push(at, campaign(at));
    track.fill([97, 98, 99, 100], columnsOf([1, 2, 3, 4]));
    expect(track.view(['talking'], 10)).toEqual([[97, 98, 99, 100, 101, 102], [1, 2, 3, 4, 101, 102]]);
  });

  it('closes a gap', () => {
    const track = new Track();
    for (const at of [1, 2, 50]) track.push(at, campaign(at));
    track.fill([2, 3, 49, 50], columnsOf([2, 3, 49, 50]));
    expect(track.view(['talking'], 10)[0]).toEqual([2, 3, 49, 50]);
  });

  it('stays as it is when the server remembers nothing', () => {
    const track = new Track();
    track.push(1, campaign(1));
    track.fill([], columnsOf([]));
    expect(track.at_s).toEqual([1]);
  });
});

describe('what the server remembers', () => {
  afterEach(() => {
    forgetBoards();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is asked for less and less often while it cannot be had, and once when it can', async () => {
    vi.useFakeTimers();
    let [asked, code] = [0, 503];
    vi.stubGlobal('fetch', () => {
      asked += 1;
      return Promise.resolve(new Response(JSON.stringify({ at_us: [], ...columnsOf([]) }), { status: code, headers: { 'Content-Type': 'application/json' } }));
    });
    const minutes = async (count: number) => {
      for (let second = 0; second < 60 * count; second += 1) {
        void fillTrack('spring');
        await vi.advanceTimersByTimeAsync(1_000);
      }
    };
    await minutes(5);
    // 0, 2, 6, 14, 30, 62 s, then once a minute.
    expect(asked).toBeGreaterThan(6);
    expect(asked).toBeLessThan(12);
    [asked, code] = [0, 200];
    await minutes(3);
    expect(asked).toBe(1);
  });
});
