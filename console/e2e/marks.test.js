// What calls have shown by themselves: numbers at which nobody is, and openings that are recordings.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newPage, startBrowser, violations } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';

/** Many dead numbers and many machines, so that both are met soon. */
const SCENARIO = `
name = "marks"
ledger = "run"

[dial]
human = 0.05
machine = 0.75
busy = 0.0
fail = 0.18
hour_shape = [1.0]
day_sd = 0.0
drift_sd = 0.0
ring_timeout_s = 8
post_dial_s = { dist = "uniform", min = 0.1, max = 0.3 }
human_ring_s = { dist = "uniform", min = 0.3, max = 1 }
machine_ring_s = { dist = "uniform", min = 0.3, max = 1 }

[agent]
talk_s = { dist = "lognormal", mean = 6, cv = 0.8 }
wrap_s = { dist = "constant", value = 1 }
`;
/** As fast as calls can be listened to. */
const MET_MS = 240_000;

let browser;
let demo;
let inside;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'outpace-marks-'));
  const scenario = join(folder, 'marks.toml');
  writeFileSync(scenario, SCENARIO);
  demo = await startDemo(['--leads', '20000', '--agents', '40', '--seconds', '3600', '--detector', 'default', '--scenario', scenario]);
  browser = await startBrowser();
  inside = await enter(browser, demo);
  // Machines are listened to until their greeting ends: what is said first is heard in full, and known from the third number on.
  await within('/board', async (page) => {
    const answer = await page.evaluate(async () => {
      const where = new URL('api/v1/campaigns/demo', document.baseURI);
      const { settings } = await (await fetch(where)).json();
      const body = JSON.stringify({ on_machine: 'message', machine_message: settings.safe_harbour, message_after: 'greeting_end' });
      return (await fetch(where, { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'X-Outpace-Console': '1' }, body })).text();
    });
    assert.equal(JSON.parse(answer).settings.on_machine, 'message', answer);
  });
});
after(async () => {
  await browser?.close();
  await demo?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

/** A page inside; what went wrong in it is told at its end. */
async function within(path, run, view = {}) {
  const { page, context, faults } = await newPage(browser, { ...view, context: { storageState: inside } });
  await page.goto(`${demo.base}${path}`);
  await run(page);
  assert.deepEqual(faults, []);
  await context.close();
}

const items = (page, path) => page.evaluate(async (where) => (await (await fetch(new URL(where, document.baseURI))).json()).items, path);

/** The list when it has something. */
async function awaited(page, path) {
  for (const until_ms = Date.now() + MET_MS; Date.now() < until_ms; await page.waitForTimeout(500)) {
    const found = await items(page, path);
    if (found.length > 0) return found;
  }
  throw new Error(`nothing came at ${path} within ${MET_MS} ms`);
}

test('a dead number says what the call met there, and its mark is taken off after a question', async () => {
  await within('/lists', async (page) => {
    const [{ number, attempt }] = await awaited(page, 'api/v1/number-marks');
    await page.getByRole('link', { name: 'Marked numbers' }).click();
    const grid = page.getByRole('grid', { name: 'Marked numbers' });
    await grid.getByText(number).waitFor();
    assert.deepEqual(await violations(page), []);
    // As people write it; half a number is none.
    const field = page.getByLabel('One number');
    await field.fill('12');
    await page.getByText('Write it with its country code').waitFor();
    await field.fill(`${number.slice(0, 2)} (${number.slice(2, 5)}) ${number.slice(5)}`);
    await page.getByText('Write it with its country code').waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.querySelectorAll('[role=grid] [role=row]').length === 2);
    const row = grid.getByRole('row').nth(1);
    await row.getByText(/^(A fax machine|Changed or out of service|No such number)$/).waitFor();
    assert.equal(await row.getByRole('link', { name: 'See the call' }).getAttribute('href'), `/results?open=${attempt}`);

    // By keyboard: the row, its button, a question that is left, and the same once more.
    const lift = row.getByRole('button', { name: `Take off the mark of ${number}` });
    await lift.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: `Take the mark off ${number}?` });
    await dialog.getByText('Every campaign may dial it again').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    const marked = () => items(page, `api/v1/number-marks?number=${encodeURIComponent(number)}`);
    assert.equal((await marked()).length, 1, 'a question that is left changes nothing');
    await lift.click();
    await dialog.getByRole('button', { name: 'Take off' }).click();
    await page.getByText(`${number} may be dialled again.`).waitFor();
    await page.getByText('This number is not marked').waitFor();
    assert.deepEqual(await marked(), []);
    const [{ action }] = (await items(page, 'api/v1/audit?order=desc&limit=20')).filter((one) => JSON.stringify(one).includes('number-marks'));
    assert.match(action, /number-marks/);
    await page.getByRole('link', { name: 'Look for its contact' }).click();
    await page.getByRole('grid', { name: 'Contacts' }).getByText(number).waitFor();
  });
});

for (const [width, height] of [[1366, 768], [390, 844]]) {
  test(`a recording that was learnt is forgotten after a question, at ${width} px`, async () => {
    await within('/board', async (page) => {
      await awaited(page, 'api/v1/amd/recordings');
      await page.goto(`${demo.base}/campaigns/demo/detection`);
      const known = page.getByRole('region', { name: 'Recordings it knows' });
      await known.getByText('no person is speaking').waitFor();
      assert.deepEqual(await violations(page), []);
      const first = known.getByRole('button', { name: /^Forget recording / }).first();
      const name = /recording (\w+),/.exec(await first.getAttribute('aria-label'))[1];
      const same = known.getByRole('button', { name: `Forget recording ${name}` });
      await same.click();
      const dialog = page.getByRole('dialog', { name: 'Forget this recording?' });
      await dialog.getByText('judged by their sound alone').waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'detached' });
      const has = async () => (await items(page, 'api/v1/amd/recordings')).some(({ id }) => id.startsWith(name));
      assert.ok(await has(), 'a question that is left changes nothing');
      await same.click();
      await dialog.getByRole('button', { name: 'Forget' }).click();
      await page.getByText('The recording is forgotten.').waitFor();
      await same.waitFor({ state: 'detached' });
      assert.ok(!(await has()));
    }, { width, height });
  });
}
