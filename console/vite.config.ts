import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The server writes `<base href>` into the page; without it (`npm run dev`) links of deep places would not be found. */
const base: Plugin = {
  name: 'base',
  apply: 'serve',
  transformIndexHtml: () => [{ tag: 'base', attrs: { href: '/' }, injectTo: 'head-prepend' }],
};

const server = process.env.OUTPACE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // Relative: one build works under every base path.
  base: './',
  plugins: [react(), base],
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
  },
} as Parameters<typeof defineConfig>[0]);
