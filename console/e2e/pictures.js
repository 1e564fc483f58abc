// The pictures of README and guides, from a running demo: npm run pictures
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';
import { visit, visits } from './visits.js';

const FOLDER = new URL('../../docs/images/', import.meta.url).pathname;
/** The plots of a campaign have something to tell by then. */
const WARM_MS = Number(process.env.WARM_MS ?? 240_000);
/** The youngest conversations are looked at when what is heard of them is known. */
const TALK_MS = 7_000;
const PICTURES = [
  { file: 'board', visit: 'board', height: 680 },
  { file: 'campaign', visit: 'board-campaign', height: 940 },
  { file: 'campaign-dark', visit: 'board-campaign', height: 940, scheme: 'dark' },
  { file: 'whatif', visit: 'whatif-answer', height: 1000 },
  { file: 'why', visit: 'why', height: 900 },
  { file: 'listening', visit: 'listening', height: 760 },
  { file: 'calls', visit: 'calls', height: 700, before: (page) => page.waitForTimeout(TALK_MS) },
  { file: 'call', path: talking, height: 940, before: (page) => page.getByRole('listitem').filter({ hasText: 'Connected' }).first().waitFor() },
];

/** The address of a call that has just been given to an agent. */
async function talking(page) {
  for (;;) {
    const id = await page.evaluate(async () => {
      const { items } = await (await fetch(new URL('api/v1/calls', document.baseURI))).json();
      return items.filter((call) => call.connected_us).sort((a, b) => b.connected_us - a.connected_us)[0]?.id;
    });
    if (id !== undefined) return `/calls/${id}`;
    await page.waitForTimeout(200);
  }
}

const demo = await startDemo(['--leads', '10000', '--agents', '12', '--seconds', '3600', '--detector', 'default']);
const browser = await startBrowser();
try {
  const inside = await enter(browser, demo);
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  for (const picture of PICTURES) {
    const { page, context } = await newPage(browser, { scheme: picture.scheme, height: picture.height, context: { storageState: inside } });
    await page.goto(demo.base);
    await page.getByRole('navigation').first().waitFor();
    const place = visits.find((one) => one.name === picture.visit) ?? { path: picture.path, ready: (there) => there.getByRole('heading', { name: 'What happened' }).waitFor() };
    await visit(page, demo.base, place);
    await picture.before?.(page);
    // Figures of the next second.
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: `${FOLDER}${picture.file}.png` });
    console.log(picture.file);
    await context.close();
  }
} finally {
  await browser.close();
  await demo.stop();
}
