// Pictures of every page at three widths in both themes: npm run screens -- FOLDER [NAME …]
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

const demo = await startDemo(['--leads', '10000']);
const browser = await startBrowser();
let failed = false;
const inside = await enter(browser, demo);
try {
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  for (const scheme of ['light', 'dark']) {
    for (const [width, height] of SIZES) {
      const file = (name) => ({ path: join(folder, `${name}-${width}-${scheme}.png`), fullPage: true });
      if (names.length === 0 || names.includes('login')) {
        const { page, context } = await newPage(browser, { scheme, width, height });
        await page.goto(demo.base);
        await page.getByRole('button', { name: 'Log in' }).waitFor();
        await page.screenshot(file('login'));
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
          // Plots and figures of the next second.
          await page.waitForTimeout(1_200);
          await page.screenshot(file(place.name));
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
