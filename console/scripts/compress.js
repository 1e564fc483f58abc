// Writes .br and .gz siblings of everything in dist that is worth it, so that the server never compresses.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url).pathname;
/** Below this a packet is a packet. */
const WORTH_BYTES = 512;

for (const name of readdirSync(DIST, { recursive: true })) {
  const path = join(DIST, name);
  // The page is written anew for each answer; the manifest is for scripts/size.js alone.
  if (statSync(path).isDirectory() || !/\.(js|css|svg|json)$/.test(name) || name === 'manifest.json') continue;
  const bytes = readFileSync(path);
  if (bytes.length < WORTH_BYTES) continue;
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
rmSync(join(DIST, '.vite'), { recursive: true, force: true });
