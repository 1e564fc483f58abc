// Calls under way: they come and go by themselves, are found, looked into and hung up, all by keyboard too.
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

async function calls(width = 1440) {
  const { page, context, faults, allowed } = await newPage(browser, { width, context: { storageState: inside } });
  // The browser notes each question about a call that has just ended.
  allowed.push(/\/api\/v1\/(calls|cdrs)\/\d+/);
  await page.goto(`${demo.base}/calls`);
  await page.getByRole('grid').waitFor({ timeout: 60_000 });
  return { page, context, faults };
}

const rows = (page) => page.getByRole('grid').locator('[role="row"][data-index]');

test('calls come and go, and say how they sound', async () => {
  const { page, context, faults } = await calls();
  const seen = await rows(page).first().innerText();
  await page.waitForFunction((old) => !document.querySelector('[role="grid"]')?.textContent?.includes(old), seen.match(/\+\d+/)[0], { timeout: 60_000 });
  await page.getByRole('gridcell', { name: 'PCMU' }).first().waitFor({ timeout: 60_000 });
  await page.getByRole('gridcell', { name: /^\d\.\d ms$/ }).first().waitFor({ timeout: 60_000 });
  assert.deepEqual(faults, []);
  await context.close();
});

test('a call is found by its state, looked into by keyboard, and hung up', async () => {
  const { page, context, faults } = await calls();
  await page.getByRole('combobox', { name: 'State' }).or(page.getByRole('textbox', { name: 'State' })).first().click();
  await page.getByRole('option', { name: 'Talking' }).click();
  // The youngest has most of its talk before it.
  await rows(page).first().waitFor({ timeout: 60_000 });
  await rows(page).first().focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /^Call \d+/ }).waitFor();
  await page.getByRole('listitem').filter({ hasText: 'Connected' }).waitFor();
  const number = (await page.locator('[class*="who"]').innerText()).trim();
  await page.getByRole('button', { name: 'Hang up', exact: true }).click();
  await page.getByRole('dialog').getByText(`Hang up ${number}`).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Hang up' }).click();
  await page.getByText('Over', { exact: true }).waitFor();
  await page.waitForFunction((gone) => !document.querySelector('[role="grid"]')?.textContent?.includes(gone), number);
  assert.deepEqual(faults, []);
  await context.close();
});

test('arrows walk through the rows, one of which is in the tab order', async () => {
  const { page, context } = await calls();
  await page.waitForFunction(() => document.querySelectorAll('[role="row"][data-index]').length > 2, null, { timeout: 60_000 });
  assert.equal(await page.locator('[role="row"][data-index][tabindex="0"]').count(), 1);
  await rows(page).first().focus();
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-index') === '1');
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-index') === '0');
  await context.close();
});

test('on a phone a call fills the page and leads back', async () => {
  const { page, context } = await calls(390);
  await rows(page).first().click();
  await page.getByRole('heading', { name: /^Call \d+/ }).waitFor();
  assert.equal(await page.getByRole('grid').count(), 0);
  await page.getByRole('link', { name: 'Calls' }).first().click();
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
  await context.close();
});
