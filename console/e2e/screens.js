// Pictures of every page at three widths in both themes, and how long the board takes until it can be used:
// npm run screens -- FOLDER [NAME …]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';
import { visit, visits } from './visits.js';

const [folder, ...names] = process.argv.slice(2);
if (!folder) {
  console.error('error: no folder: say where the pictures go, npm run screens -- FOLDER');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
/** So much of the demo has run when the first picture is taken: plots need something to show. */
const WARM_MS = Number(process.env.WARM_MS ?? 60_000);
const SIZES = [[390, 844], [1280, 800], [1920, 1080]];
/** From the navigation to a board that shows live figures and takes a click, with nothing in the browser's cache. */
const USABLE_MAX_MS = 1_500;
const USABLE_TRIES = 5;
/** A page of more is cut: a table that fills the window would grow with it for ever. */
const PICTURE_MAX_PX = 6_000;

const demo = await startDemo(['--leads', '10000', '--seconds', '3600', '--detector', 'default']);
const browser = await startBrowser();
let failed = false;
const inside = await enter(browser, demo);

/** Milliseconds until a campaign's card stands painted and the main thread is free for a click. */
async function usable() {
  const { page, context } = await newPage(browser, { context: { storageState: inside } });
  await page.addInitScript(() => {
    const painted = new MutationObserver(() => {
      if (!document.querySelector('article a[href]')) return;
      painted.disconnect();
      // Two frames on it is painted; a task of its own runs when the ones before it are done.
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => (window.__usable_ms = performance.now()), 0)));
    });
    painted.observe(document, { childList: true, subtree: true });
  });
  await page.goto(`${demo.base}/board`);
  await page.waitForFunction(() => window.__usable_ms !== undefined);
  const took_ms = await page.evaluate(() => window.__usable_ms);
  await context.close();
  return took_ms;
}

async function measureUsable() {
  const took = [];
  for (let tries = 0; tries < USABLE_TRIES; tries += 1) took.push(await usable());
  const middle_ms = took.toSorted((a, b) => a - b)[Math.floor(USABLE_TRIES / 2)];
  console.log(`the board is usable after ${took.map((ms) => Math.round(ms)).join(', ')} ms: ${Math.round(middle_ms)} ms in the middle (at most ${USABLE_MAX_MS})`);
  if (middle_ms > USABLE_MAX_MS) {
    failed = true;
    console.error('error: the board takes too long until it can be used');
  }
}

/** The whole page, as a window of its height would show it: what sticks to an edge is at the edge. */
async function picture(page, [width, height], path) {
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.min(Math.max(whole, height), PICTURE_MAX_PX) });
  // Plots and figures of the next second.
  await page.waitForTimeout(1_200);
  await page.screenshot({ path });
  await page.setViewportSize({ width, height });
}

try {
  await measureUsable();
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  for (const scheme of ['light', 'dark']) {
    for (const size of SIZES) {
      const [width, height] = size;
      const file = (name) => join(folder, `${name}-${width}-${scheme}.png`);
      if (names.length === 0 || names.includes('login')) {
        const { page, context } = await newPage(browser, { scheme, width, height });
        await page.goto(demo.base);
        await page.getByRole('button', { name: 'Log in' }).waitFor();
        await picture(page, size, file('login'));
        await context.close();
      }
      const { page, context, faults, allowed } = await newPage(browser, { scheme, width, height, context: { storageState: inside } });
      await page.goto(demo.base);
      await page.getByRole('navigation').first().waitFor();
      for (const place of visits) {
        if (names.length > 0 && !names.includes(place.name)) continue;
        if (place.allowed) allowed.push(place.allowed);
        try {
          await visit(page, demo.base, place);
          await picture(page, size, file(place.name));
        } catch (error) {
          failed = true;
          console.error(`${place.name} at ${width} in ${scheme}: ${error.message}`);
        }
      }
      for (const fault of faults) {
        failed = true;
        console.error(`at ${width} in ${scheme}: ${fault}`);
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await demo.stop();
}
process.exit(failed ? 1 : 0);
