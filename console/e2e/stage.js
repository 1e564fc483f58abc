// A stand-in for the server that plays a made-up day (day.js) to the built console: for the soak of a day, where boards
// must come a hundred times as fast as any real server sends them, and to look at pages by themselves.
//
//   node e2e/stage.js [BOARDS_A_SECOND] [PORT]
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { Day } from './day.js';

const DIST = new URL('../dist/', import.meta.url).pathname;
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** So much of the day is over when the stage opens: what plots show. */
const PAST_S = 900;
/** What may wait for a reader. */
const AHEAD_BYTES = 256 * 1024;

export async function startStage({ boards_per_s = 1, port = 0, boards_max = Infinity } = {}) {
  const day = new Day({ start_ms: Date.now() - PAST_S * 1_000 });
  const past = Array.from({ length: PAST_S }, () => day.next());
  let sent = 0;
  const readers = new Set();
  const timer = setInterval(() => {
    // A reader that is behind gets the next one later: all are sent, however fast they are taken.
    const behind = [...readers].some((reader) => reader.writableLength > AHEAD_BYTES);
    if (readers.size === 0 || sent >= boards_max || behind) return;
    past.push(day.next());
    past.shift();
    sent += 1;
    for (const reader of readers) reader.write(`event: board\ndata: ${JSON.stringify(past.at(-1))}\n\n`);
  }, 1_000 / boards_per_s);

  const calls = () => past.at(-1).campaigns.flatMap((campaign) => callsOf(campaign, past.at(-1).at_us)).sort((a, b) => a.began_us - b.began_us);
  const campaignOf = (name) => past.at(-1).campaigns.find((campaign) => campaign.name === decodeURIComponent(name));
  const answers = [
    [/^\/api\/v1\/whoami$/, () => ({ name: 'stage', role: 'admin', kind: 'token', agent: null, version: '0.1.0', demo: true, expires_us: null })],
    [/^\/api\/v1\/board$/, () => past.at(-1)],
    [/^\/api\/v1\/engine$/, () => engine(past.at(-1))],
    [/^\/api\/v1\/campaigns$/, () => ({ items: past.at(-1).campaigns, next: null })],
    [/^\/api\/v1\/campaigns\/([^/]+)$/, campaignOf],
    [/^\/api\/v1\/campaigns\/([^/]+)\/series$/, (name) => campaignOf(name) && seriesOf(past, decodeURIComponent(name))],
    [/^\/api\/v1\/calls$/, () => ({ items: calls(), next: null })],
    [/^\/api\/v1\/calls\/(\d+)$/, (id) => { const call = calls().find((one) => one.id === Number(id)); return call && { ...call, timeline: timelineOf(call) }; }],
  ];

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://stage');
    if (pathname === '/api/v1/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      response.write(': here\n\n');
      readers.add(response);
      response.on('close', () => readers.delete(response));
      return;
    }
    if (pathname.startsWith('/api/')) {
      let body;
      for (const [shape, answer] of answers) {
        const match = shape.exec(pathname);
        if (match) body = answer(...match.slice(1));
      }
      const detail = `${request.method} ${pathname} is not on this stage`;
      response.writeHead(body ? 200 : 404, { 'Content-Type': body ? 'application/json' : 'application/problem+json' });
      response.end(JSON.stringify(body ?? { type: 'urn:outpace:problem:not-found', title: 'There is no such thing', status: 404, detail }));
      return;
    }
    const file = join(DIST, normalize(pathname));
    if (pathname !== '/' && file.startsWith(DIST) && existsSync(file)) {
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(readFileSync(file));
      return;
    }
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-stage'; img-src 'self' data:; connect-src 'self'",
    });
    response.end(readFileSync(join(DIST, 'index.html'), 'utf8').replace('<head>', '<head><base href="/" /><meta name="csp-nonce" content="stage" />'));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    sent: () => sent,
    close() {
      clearInterval(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}

function seriesOf(past, name) {
  const points = past.map((board) => board.campaigns.find((campaign) => campaign.name === name));
  const columns = ['attempts', 'ringing', 'talking', 'waiting', 'connected', 'abandoned', 'occupancy'].map((key) => [key, points.map((point) => point[key])]);
  const agents = ['ready', 'talking', 'wrap_up', 'on_break'].map((key) => [`agents_${key}`, points.map((point) => point.agents[key])]);
  return { step_s: 1, at_us: past.map((board) => board.at_us), ...Object.fromEntries([...columns, ...agents]) };
}

function callsOf(campaign, at_us) {
  const kinds = [['ringing', campaign.ringing, 0], ['answered', campaign.answered, 3_000], ['connected', campaign.talking, 5_000]];
  return kinds.flatMap(([state, count, offset]) =>
    Array.from({ length: count }, (_, index) => {
      const id = campaign.id * 10_000 + offset + index;
      const began_us = at_us - ((id * 7) % 240) * 1_000_000;
      const [up, talks] = [state !== 'ringing', state === 'connected'];
      const loss = id % 11 === 0 ? 0.024 : 0.0004 * (id % 4);
      return {
        id, direction: 'outbound', state, from: '+12125550100', to: `+1312555${String(id % 10_000).padStart(4, '0')}`, trunk: 'carrier', campaign: campaign.name,
        attempt: id, agent: talks ? `agent-${index + 1}` : null, began_us, answered_us: up ? began_us + 9_000_000 : null,
        connected_us: talks ? began_us + 10_400_000 : null, codec: up ? 'PCMU' : null, verdict: talks ? 'human' : null,
        quality: up ? { loss, jitter_ms: 1.4 + (id % 7), mos: loss > 0.01 ? 3.4 : 4.35, rtt_ms: 31, packets_received: 4_210, packets_sent: 4_212, remote_loss: 0.001 } : null,
      };
    }),
  );
}

function timelineOf(call) {
  const steps = [['began', 0, call.campaign], ['ringing', 1.2, null]];
  if (call.answered_us) steps.push(['answered', 9, 'PCMU']);
  if (call.connected_us) steps.push(['greeting_end', 9.8, null], ['verdict', 10, 'human'], ['agent_reserved', 10.05, call.agent], ['bridged', 10.4, call.agent]);
  return steps.map(([what, after_s, detail]) => ({ at_us: call.began_us + after_s * 1_000_000, what, detail }));
}

function engine(board) {
  const counts = [[50, 21_000], [100, 61_500], [200, 30_900], [500, 2_100], [1_000, 340], [2_000, 41], [5_000, 6], [20_000, 1]];
  const figures = { legs: board.engine.legs, ports_in_use: board.engine.legs, packets_sent: 2_100_200, packets_received: 2_098_400, late_over_1ms: 48, late_over_20ms: 0 };
  const send_lateness_us = { ...board.engine.send_lateness_us, p999: 900, buckets: counts.map(([le_us, count]) => ({ le_us, count })) };
  return { driver: 'ring', shards: [{ shard: 0, ...figures, send_lateness_us, sched: 'fifo' }], totals: { ...figures, send_lateness_us }, uptime_s: 9_400, version: '0.1.0' };
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const stage = await startStage({ boards_per_s: Number(process.argv[2] ?? 1), port: Number(process.argv[3] ?? 8090) });
  console.log(stage.url);
}
