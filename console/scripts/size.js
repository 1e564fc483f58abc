// What a browser loads before it shows the board, counted in gzip bytes; fails when it is too much.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url).pathname;
const FIRST_LOAD_MAX_BYTES = 300_000;
/** The first place and the texts that stand on it. */
const FIRST = ['index.html', 'src/pages/board/index.tsx', 'src/locales/en/common.json', 'src/locales/en/board.json'];

const manifest = JSON.parse(readFileSync(join(DIST, 'manifest.json'), 'utf8'));
const files = new Set(['theme.js']);
const seen = new Set();
const take = (key) => {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return;
  seen.add(key);
  files.add(chunk.file);
  chunk.css?.forEach((file) => files.add(file));
  chunk.imports?.forEach(take);
};
FIRST.forEach(take);

let total = 0;
for (const file of [...files].filter((file) => /\.(js|css)$/.test(file))) {
  const bytes = gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length;
  total += bytes;
  console.log(`${String(bytes).padStart(8)}  ${file}`);
}
console.log(`${String(total).padStart(8)}  first load, gzip (at most ${FIRST_LOAD_MAX_BYTES})`);
if (total > FIRST_LOAD_MAX_BYTES) {
  console.error('error: the first load is too large: make a part lazy, or take a library out');
  process.exit(1);
}
rmSync(join(DIST, 'manifest.json'));
