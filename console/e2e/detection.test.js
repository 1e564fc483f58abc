// Answer detection: its settings, what it said of real calls of the demo, people and agents who say what answered.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';

let browser;
let demo;
let inside;
before(async () => {
  demo = await startDemo(['--leads', '10000', '--agents', '12', '--seconds', '3600', '--detector', 'default']);
  browser = await startBrowser();
  inside = await enter(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A page inside; what went wrong in it is told at its end. */
async function within(path, run, storageState = inside) {
  const { page, context, faults, allowed } = await newPage(browser, { context: { storageState } });
  await page.goto(`${demo.base}${path}`);
  await run(page, allowed);
  assert.deepEqual(faults, []);
  await context.close();
}

/** Asks the API with the login of the page. */
const ask = (page, method, path, body) =>
  page.evaluate(
    async ([how, where, what]) => {
      const response = await fetch(new URL(where, document.baseURI), { method: how, headers: { 'Content-Type': 'application/json', 'X-Outpace-Console': '1' }, body: what && JSON.stringify(what) });
      if (!response.ok) throw new Error(`${how} ${where}: ${response.status} ${await response.text()}`);
      return response.status === 204 ? null : response.json();
    },
    [method, path, body],
  );
const get = (page, path) => ask(page, 'GET', path);

/** Asks until it is so. */
async function until(page, what, run) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await run();
    if (found) return found;
    await page.waitForTimeout(200);
  }
  throw new Error(`${what} did not come`);
}

async function choose(page, field, option) {
  await page.getByRole('combobox', { name: field }).click();
  await page.getByRole('option', { name: option }).click();
}

test('a campaign is told how to detect and what to do with what answers', async () => {
  await within('/campaigns/demo', async (page, allowed) => {
    allowed.push(/status of 422/);
    await page.getByRole('radio', { name: /^Sample/ }).click();
    await page.getByRole('textbox', { name: 'Share for agents' }).fill('50');
    await page.getByRole('switch', { name: 'Keep what it heard' }).click({ force: true });
    await choose(page, 'Call screening', 'Say who calls, connect whoever picks up');
    const save = page.getByRole('button', { name: 'Save', exact: true });
    await save.click();
    // Who is asked who calls must be told, and by which file.
    await page.getByText(/needs "screening_message"/).waitFor();
    await choose(page, 'Call screening', 'Hang up');
    await save.click();
    await page.getByText(/^Saved: /).waitFor();
    const { settings } = await get(page, 'api/v1/campaigns/demo');
    assert.deepEqual([settings.amd, settings.amd_mode, settings.amd_audit_share, settings.amd_audio], [true, 'sample', 0.5, true]);
    await page.reload();
    assert.ok(await page.getByRole('radio', { name: /^Sample/ }).isChecked());
  });
});

test('calls are listened to and labelled by keys, and a label is taken back', async () => {
  await within('/listening?campaign=demo&audio=1&verdict=machine', async (page) => {
    const waiting = () => get(page, 'api/v1/amd/queue?campaign=demo&audio=true&verdict=machine');
    await until(page, 'three machines with sound', async () => {
      const found = await waiting();
      return found.items.length >= 3 && found;
    });
    const labelOf = async (attempt) => (await get(page, `api/v1/attempts/${attempt}/evidence`)).label?.answered ?? null;
    await page.reload();
    // Newer ones may have come in between: whatever is in sight is labelled.
    const inSight = async () => (await page.locator('dd a[href*="open="]').getAttribute('href')).split('=').at(-1);
    const plot = page.getByRole('img', { name: /^Machine at/ });
    await plot.waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Play' }).waitFor();
    const first = await inSight();
    await page.keyboard.press('2');
    await page.waitForFunction((old) => !document.querySelector('dd a[href*="open="]').href.endsWith(`=${old}`), first);
    await page.getByText('1 labelled').waitFor();
    const second = await inSight();
    await until(page, 'the label', async () => (await labelOf(first)) === 'machine');
    await page.keyboard.press('n');
    await page.waitForFunction((old) => !document.querySelector('dd a[href*="open="]').href.endsWith(`=${old}`), second);
    // Twice back: what was passed over, and what was said.
    await page.keyboard.press('u');
    await page.keyboard.press('u');
    await page.waitForFunction((old) => document.querySelector('dd a[href*="open="]').href.endsWith(`=${old}`), first);
    await until(page, 'the label taken back', async () => (await labelOf(first)) === null);
    await page.getByRole('button', { name: 'Person' }).click();
    await until(page, 'the other label', async () => (await labelOf(first)) === 'person');
    const { items: log } = await get(page, 'api/v1/audit');
    assert.ok(log.some((entry) => JSON.stringify(entry).includes('/evidence/audio')), 'who listened stands in the audit log');
  });
});

test('an agent says what answered, and the report counts it', async () => {
  const { page: admin, context } = await newPage(browser, { context: { storageState: inside } });
  await admin.goto(demo.base);
  const agent = (await get(admin, 'api/v1/agents')).items[0].name;
  await ask(admin, 'PATCH', `api/v1/agents/${agent}`, { password: 'a long enough one' });
  const audited = async () => (await get(admin, 'api/v1/campaigns/demo/amd')).total;
  const before = await audited();
  const fresh = await newPage(browser);
  // Nobody is logged in at first, which the browser notes.
  fresh.allowed.push(/status of 401/);
  await fresh.page.goto(demo.base);
  await fresh.page.getByRole('textbox', { name: 'Name' }).fill(agent);
  await fresh.page.locator('input[name="password"]').fill('a long enough one');
  await fresh.page.getByRole('button', { name: 'Log in' }).click();
  await fresh.page.getByRole('heading', { name: 'What answered?' }).waitFor({ timeout: 60_000 });
  await fresh.page.getByRole('textbox', { name: 'What came of it' }).fill('no interest');
  await fresh.page.getByRole('button', { name: 'Person' }).click();
  await fresh.page.getByText(/: Person is recorded\.$/).waitFor();
  assert.deepEqual(fresh.faults, []);
  await fresh.context.close();
  await until(admin, 'the count', async () => (await audited()).labelled > before.labelled);
  await context.close();

  await within('/campaigns/demo/detection', async (page) => {
    await page.getByText('Too few to say how many people were taken for machines.').waitFor();
    await page.getByText(/^To show that at most|labelled audits without a person/).first().waitFor();
    await page.getByRole('table', { name: 'What it said' }).getByRole('row', { name: /^Machine/ }).waitFor();
    await page.getByRole('table', { name: 'What answered' }).getByRole('row', { name: /^Person/ }).waitFor();
    await page.getByRole('heading', { name: 'Who listens' }).waitFor();
    await page.getByText('the one that ships').waitFor();
    await page.getByRole('link', { name: 'Listen and label' }).click();
    await page.getByRole('heading', { name: 'Listening' }).waitFor();
  });
});
