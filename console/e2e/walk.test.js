// A supervisor's first hour, told as one story over a running demo: what issue 4 calls done.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { startDemo } from './server.js';

/** People of fiction, so many that the campaign has somebody to dial to the end of the story, and three rows that nobody can dial. */
const PEOPLE = 600;
const FILE = [
  'phone,first_name,last_name',
  ...Array.from({ length: PEOPLE }, (_, at) => `+1312555${String(1_000 + at)},Person,Number ${at + 1}`),
  '12,Too,Short',
  '4.9E+11,Spread,Sheet',
  ',No,Number',
  '',
].join('\n');
/** A demo on a busy machine takes its time until the first person talks. */
const PATIENT_MS = 120_000;

let browser;
let demo;
before(async () => {
  // The demo's own campaign goes on beside ours until the end of the story.
  demo = await startDemo(['--leads', '4000', '--seconds', '1800']);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The number of a figure inside of something, by its label. */
async function figure(within, label) {
  return Number((await within.locator(`div:text-is("${label}") + div`).first().innerText()).replace(/[^\d.]/g, ''));
}

async function until(page, what, holds) {
  const end = Date.now() + PATIENT_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what} within ${PATIENT_MS} ms`);
    await page.waitForTimeout(200);
  }
}

test('log in, watch, import, dial, tune, hang up, take the report along', async (t) => {
  const { page, context, faults, allowed } = await newPage(browser, { width: 1440, context: { acceptDownloads: true } });
  const main = page.locator('main');
  /** A place of the navigation: the page before stands until it is there. */
  const goTo = async (name) => {
    await page.getByRole('navigation').first().getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
  };
  const card = (name) => page.getByRole('article', { name });
  let broken = false;
  /** A part of the story; without the ones before it, it could not be told. */
  const part = (name, run) => t.test(name, { skip: broken && 'the story broke off before' }, async () => {
    broken = true;
    await run();
    broken = false;
  });

  await part('a login by token', async () => {
    // Who nobody is yet, the browser notes.
    allowed.push(/status of 401 .*\/api\/v1\/whoami/);
    await page.goto(demo.base);
    await page.getByText('Token', { exact: true }).click();
    await page.locator('input[name="token"]').fill(demo.door.split('#token=')[1]);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Board' }).waitFor();
  });

  await part('the board moves', async () => {
    await card('demo').waitFor();
    const launched = await figure(card('demo'), 'Launched');
    await until(page, 'more calls are launched', async () => (await figure(card('demo'), 'Launched')) > launched);
    await until(page, 'somebody talks', async () => (await figure(card('demo'), 'Talking')) > 0);
  });

  await part('a file with bad rows comes onto a new list', async () => {
    await goTo('Lists');
    await page.getByRole('button', { name: 'New list' }).first().click();
    await page.getByRole('textbox', { name: 'Name' }).fill('spring');
    await page.getByRole('dialog').getByRole('button', { name: 'New list' }).click();
    await page.getByRole('heading', { name: 'Import onto spring' }).waitFor();
    await page.locator('input[type=file]').setInputFiles({ name: 'spring.csv', mimeType: 'text/csv', buffer: Buffer.from(FILE) });
    await page.getByRole('button', { name: 'Check the whole file' }).click();
    await page.getByText('Would be accepted').waitFor();
    await page.getByRole('button', { name: `Import ${PEOPLE} leads` }).click();
    await page.getByText('Accepted', { exact: true }).waitFor();
    await page.getByText('Done', { exact: true }).waitFor();
    assert.deepEqual([await figure(main, 'Accepted'), await figure(main, 'Rejected')], [PEOPLE, 3]);
    await page.getByRole('grid', { name: 'Rows that were not taken' }).getByText('a spreadsheet turned the number into a power of ten').waitFor();
  });

  await part('a campaign is made and started', async () => {
    await goTo('Campaigns');
    await page.getByRole('link', { name: 'New campaign' }).first().click();
    await page.getByRole('heading', { name: 'New campaign' }).waitFor();
    await page.getByLabel('Name').fill('spring-renewals');
    await page.getByPlaceholder('Choose a list').click();
    await page.getByRole('option', { name: /^spring/ }).click();
    await page.getByPlaceholder('Choose a trunk').click();
    await page.getByRole('option').first().click();
    await page.getByLabel('Number that is shown').fill('+1 212 555 0100');
    // The carrier is a simulated one: whatever the hour, nobody is woken.
    await page.getByRole('radio', { name: /^Lab/ }).click();
    await page.getByRole('button', { name: 'Make campaign' }).click();
    await page.getByRole('heading', { name: 'spring-renewals' }).waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('dialog').getByText('Real phones ring').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
    await page.getByText('Campaign spring-renewals runs').first().waitFor();
    await goTo('Board');
    await card('spring-renewals').getByText('Running', { exact: true }).waitFor();
    await until(page, 'its first call is launched', async () => (await figure(card('spring-renewals'), 'Launched')) > 0);
  });

  await part('its limit is tuned, and the budget follows', async () => {
    await until(page, 'somebody of it was reached', async () => (await card('spring-renewals').getByText(/Room for|passes the limit|Over the limit/).count()) > 0);
    await card('spring-renewals').getByRole('link').click();
    const budget = main.getByRole('heading', { name: 'Abandon limit' }).locator('xpath=ancestor::section[1]');
    await budget.getByText('of at most 3.0').first().waitFor();
    /** How many more may be abandoned; below 0 when it is over. */
    const left = async () => {
      const text = await budget.innerText();
      const [, more] = /Room for (\d+) more/.exec(text) ?? [];
      const [, over] = /Over the limit by (\d+)/.exec(text) ?? [];
      return Number(more ?? (over ? -over : 0));
    };
    const before_ = await left();
    await page.getByRole('textbox', { name: 'Abandon limit' }).fill('50');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('dialog').getByText('Abandon limit: 3.00% becomes 50.00%.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await budget.getByText('of at most 50.0').first().waitFor();
    await until(page, 'the budget grows', async () => (await left()) > before_);
    await page.getByRole('button', { name: 'Undo' }).click();
    await budget.getByText('of at most 3.0').first().waitFor();
  });

  await part('a channel is hung up', async () => {
    // The browser notes each question about a call that has just ended.
    allowed.push(/\/api\/v1\/(calls|cdrs)\/\d+/);
    await goTo('Calls');
    const rows = page.getByRole('grid').locator('[role="row"][data-index]');
    await page.getByRole('combobox', { name: 'State' }).click();
    await page.getByRole('option', { name: 'Talking' }).click();
    await rows.first().waitFor({ timeout: PATIENT_MS });
    // The youngest has most of its talk before it.
    await rows.first().focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^Call \d+/ }).waitFor();
    await page.getByRole('button', { name: 'Hang up', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Hang up' }).click();
    await page.getByText('is being hung up').first().waitFor();
    await page.getByText('Over', { exact: true }).waitFor();
  });

  await part('the report is read and taken along', async () => {
    await goTo('Campaigns');
    await page.getByRole('grid', { name: 'Campaigns' }).getByText('spring-renewals').click();
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByRole('heading', { name: 'Report on spring-renewals' }).waitFor();
    await page.getByRole('heading', { name: 'Outcomes' }).waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download as CSV' }).click()]);
    assert.match(file.suggestedFilename(), /spring-renewals.*\.csv$/);
    const text = readFileSync(await file.path(), 'utf8');
    assert.ok(Number(/^attempts,(\d+)/m.exec(text)?.[1]) > 0, text);
  });

  assert.deepEqual(faults, []);
  await context.close();
});
