// The board over a running demo: figures move by themselves, levers ask, work and can be taken back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';

let browser;
let demo;
let inside;
before(async () => {
  demo = await startDemo(['--leads', '3000']);
  browser = await startBrowser();
  inside = await enter(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

async function board(path = '/board') {
  const { page, context, faults } = await newPage(browser, { context: { storageState: inside } });
  await page.goto(`${demo.base}${path}`);
  return { page, context, faults };
}

/** The number of a figure, by its label. */
async function figure(page, label) {
  const text = await page.locator(`div:text-is("${label}") + div`).first().innerText();
  return Number(text.replace(/[^\d.]/g, ''));
}

/** Waits until something holds; the page is asked ten times a second. */
async function until(page, what, holds, timeout_ms = 60_000) {
  const end = Date.now() + timeout_ms;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what} within ${timeout_ms} ms`);
    await page.waitForTimeout(100);
  }
}

test('the board moves by itself', async () => {
  const { page, context, faults } = await board();
  await page.getByRole('article').first().waitFor();
  const before_ = await figure(page, 'Launched');
  await until(page, 'more calls are launched', async () => (await figure(page, 'Launched')) > before_);
  await until(page, 'somebody talks', async () => (await figure(page, 'Talking')) > 0);
  await page.getByText(/of at most 3.0/).first().waitFor();
  await page.getByRole('heading', { name: 'Packets on time' }).waitFor();
  await page.getByRole('row', { name: /≤ 100/ }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('a campaign is tuned in place, asked for, and taken back', async () => {
  const { page, context, faults } = await board();
  await page.getByRole('article').first().getByRole('link').click();
  await page.getByRole('heading', { name: 'Tuning' }).waitFor();
  const limit = page.getByRole('textbox', { name: 'Abandon limit' });
  await until(page, 'the limit is read', async () => (await limit.inputValue()).startsWith('3'));
  await limit.fill('2');
  await page.getByRole('button', { name: 'Apply' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Abandon limit: 3.00% becomes 2.00%.').waitFor();
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('of at most 2.0').first().waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('of at most 3.0').first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('a campaign is paused and goes on', async () => {
  const { page, context, faults } = await board();
  const card = page.getByRole('article').first();
  await card.getByRole('button', { name: 'Pause' }).click();
  await card.getByText('Paused', { exact: true }).waitFor();
  await card.getByText('Paused: nothing new is dialled').waitFor();
  await card.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await card.getByText('Running', { exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('the wall has nothing to press and moves as well', async () => {
  const { page, context, faults } = await board('/board?wall=1');
  await page.getByRole('article').first().waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  assert.equal(await page.getByRole('article').getByRole('button').count(), 0);
  const before_ = await figure(page, 'Launched');
  await until(page, 'more calls are launched', async () => (await figure(page, 'Launched')) > before_);
  assert.deepEqual(faults, []);
  await context.close();
});

test('plots can be read as tables', async () => {
  const { page, context, faults } = await board();
  await page.getByRole('article').first().getByRole('link').click();
  await page.getByRole('button', { name: 'Show as table' }).first().click();
  const rows = page.getByRole('region', { name: 'Calls' }).getByRole('row');
  await until(page, 'the table has rows', async () => (await rows.count()) > 3);
  assert.deepEqual(faults, []);
  await context.close();
});
