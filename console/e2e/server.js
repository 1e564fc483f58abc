// The real binary: its demo, with a carrier, callees and agents' phones on loopback, or a server with a configuration.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const BINARY = process.env.OUTPACE_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(homedir(), '.cache/outpace/target'), 'debug/outpace');
/** A debug build that makes its voices first takes a while on a busy machine. */
const READY_MS = 120_000;
const STOP_MS = 20_000;

function binary() {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: build it with cargo build --workspace --bins, or set OUTPACE_BIN`);
  return BINARY;
}

/** Starts the binary; `heard` says from all it has said whether it is ready. */
async function start(args, data, heard) {
  const child = spawn(binary(), args, { cwd: data, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not ready within ${READY_MS} ms; it said:\n${said}`));
    }, READY_MS);
    const ask = async () => {
      const found = await heard(said);
      if (!found) return;
      clearTimeout(timer);
      clearInterval(asking);
      resolve(found);
    };
    const asking = setInterval(() => void ask(), 200);
    child.stdout.on('data', (bytes) => (said += bytes));
    child.stderr.on('data', (bytes) => (said += bytes));
    child.once('exit', (code) => {
      clearTimeout(timer);
      clearInterval(asking);
      reject(new Error(`it ended with ${code}:\n${said}`));
    });
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
    }
    rmSync(data, { recursive: true, force: true });
  };
  return { ready, stop };
}

const folder = () => mkdtempSync(join(tmpdir(), 'outpace-e2e-'));

/** Starts a demo; `door` is its address with the token that logs in. */
export async function startDemo(args = []) {
  const heard = (said) => /http:\/\/\S+#token=op_[\w-]+/.exec(said)?.[0];
  const { ready: door, stop } = await start(['demo', '--headless', '--stay', '--http', '127.0.0.1:0', ...args], folder(), heard);
  return { door, base: door.slice(0, door.indexOf('#')).replace(/\/$/, ''), stop };
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts a server with keys of its section [server]; nothing is dialled by it. */
export async function startServe(keys = {}) {
  const data = folder();
  const [http, sip] = [await freePort(), await freePort()];
  const lines = Object.entries({ http: `127.0.0.1:${http}`, data_dir: data, ...keys }).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const file = join(data, 'outpace.toml');
  writeFileSync(file, `[server]\n${lines.join('\n')}\n[sip]\nudp = "127.0.0.1:${sip}"\n`);
  const token = execFileSync(binary(), ['token', 'create', '--config', file, '--role', 'admin', '--name', 'e2e'], { encoding: 'utf8' }).trim();
  const base = `http://127.0.0.1:${http}${(keys.base_path ?? '').replace(/\/$/, '')}`;
  const heard = () => fetch(`${base}/healthz`).then((response) => response.ok, () => false);
  const { stop } = await start(['serve', '--config', file], data, heard);
  return { door: `${base}/#token=${token}`, base, sip: `127.0.0.1:${sip}`, stop };
}

/** A line to a server that can be cut: all connections break and no new one comes through until it is mended. */
export async function startLine(base) {
  const url = new URL(base);
  const open = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(Number(url.port), url.hostname);
    for (const [socket, other] of [[near, far], [far, near]]) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    whole = false;
    open.forEach((socket) => socket.destroy());
  };
  return {
    base: `${url.protocol}//127.0.0.1:${server.address().port}${url.pathname}`.replace(/\/$/, ''),
    cut,
    mend: () => (whole = true),
    stop() {
      cut();
      server.close();
    },
  };
}
