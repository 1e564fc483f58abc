import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The server writes `<base href>` into the page; without it (`npm run dev`) links of deep places would not be found. */
const base: Plugin = {
  name: 'base',
  apply: 'serve',
  transformIndexHtml: () => [{ tag: 'base', attrs: { href: '/' }, injectTo: 'head-prepend' }],
};

/** Compares the components that are in the build with the styles that `src/app/mantine.ts` brings. */
const styles: Plugin = {
  name: 'mantine-styles',
  apply: 'build',
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((chunk) => (chunk.type === 'chunk' ? Object.keys(chunk.modules) : []));
    const used = new Set(modules.flatMap((id) => /@mantine\/core\/.*\/(\w+)\.module\.mjs$/.exec(id)?.[1] ?? []));
    const there = new Set([...this.getModuleIds()].flatMap((id) => /@mantine\/core\/styles\/([A-Z]\w+)\.layer\.css$/.exec(id)?.[1] ?? []));
    const missing = [...used].filter((name) => !there.has(name)).sort();
    const idle = [...there].filter((name) => !used.has(name)).sort();
    if (missing.length > 0) this.error(`src/app/mantine.ts lacks the styles of ${missing.join(', ')}: import them there`);
    if (idle.length > 0) this.warn(`src/app/mantine.ts brings styles of ${idle.join(', ')}, which nothing uses: take them out`);
  },
};

const server = process.env.OUTPACE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // Relative: one build works under every base path.
  base: './',
  plugins: [react(), base, styles],
  server: { proxy: { '/api': server } },
  build: {
    target: 'es2022',
    manifest: 'manifest.json',
    // Chunks that begin alike are told apart by their hash.
    chunkSizeWarningLimit: 700,
    assetsInlineLimit: 0,
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    css: false,
    // A test is no stopwatch: a machine that builds beside it takes its time.
    testTimeout: 60_000,
  },
} as Parameters<typeof defineConfig>[0]);
