// A day of boards through the real console: what stays in memory? npm run soak:heap [-- UPDATES [UPDATES_A_SECOND]]
//
// The heap is measured after a forced collection at each tenth of the way. Single marks swing by a megabyte, so middles are
// compared: that of the last four tenths with that of the second to the fifth, when plots and caches are full. Between
// them lie half of the boards; with the 2,000 of the test a kilobyte kept of each board is seen.
import { newPage, startBrowser } from './browser.js';
import { DAY_S } from './day.js';
import { startStage } from './stage.js';

export const GROWTH_MAX_BYTES = 1_000_000;
const TIMES_REAL = 100;
/** Nothing came for so long: the page stands still. */
const STUCK_MS = 60_000;

function middle(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** Plays so many boards to the board; gives the heap at each tenth, and what went wrong. */
export async function replay({ updates = DAY_S, updates_per_s = TIMES_REAL, note = () => {} } = {}) {
  const stage = await startStage({ boards_per_s: updates_per_s, boards_max: updates });
  const browser = await startBrowser();
  try {
    const { page, faults } = await newPage(browser);
    const debug = await page.context().newCDPSession(page);
    await page.goto(`${stage.url}/board`);
    await page.getByRole('article').first().waitFor();
    const heap = async () => {
      // What finalizers let go of is collected by the next one.
      for (let i = 0; i < 3; i += 1) await debug.send('HeapProfiler.collectGarbage');
      return (await debug.send('Runtime.getHeapUsage')).usedSize;
    };
    const marks = [];
    let [seen, since] = [0, Date.now()];
    while (marks.length < 10) {
      await page.waitForTimeout(100);
      const sent = stage.sent();
      if (sent > seen) [seen, since] = [sent, Date.now()];
      else if (sent < updates && Date.now() - since > STUCK_MS) throw new Error(`after ${sent} of ${updates} boards no more was taken`);
      if (sent < (updates * (marks.length + 1)) / 10) continue;
      const bytes = await heap();
      marks.push(bytes);
      note(`${sent} of ${updates} boards: ${(bytes / 1e6).toFixed(2)} MB`);
    }
    return { marks, growth: middle(marks.slice(6)) - middle(marks.slice(1, 5)), faults };
  } finally {
    await browser.close();
    stage.close();
  }
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const [updates, updates_per_s] = process.argv.slice(2).map(Number);
  const { growth, faults } = await replay({ updates, updates_per_s, note: console.log });
  for (const fault of faults) console.error(fault);
  console.log(`grown by ${(growth / 1e6).toFixed(2)} MB over half of the way (at most ${GROWTH_MAX_BYTES / 1e6})`);
  process.exit(growth > GROWTH_MAX_BYTES || faults.length > 0 ? 1 : 0);
}
