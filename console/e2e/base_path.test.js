// The console stands where the server stands: under a path of its own, too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { startServe } from './server.js';

let browser;
let server;
before(async () => {
  server = await startServe({ base_path: '/dialler/console/' });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('below a base path: login, deep places, a reload, the way back', async () => {
  const { page, context, faults } = await newPage(browser);
  await page.goto(server.door);
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  assert.equal(page.url(), `${server.base}/board`);
  await page.getByRole('link', { name: 'Calls' }).first().click();
  await page.getByText('No call is under way').waitFor();
  assert.equal(page.url(), `${server.base}/calls`);
  await page.reload();
  await page.getByText('No call is under way').waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('an address that is nothing says so and leads back', async () => {
  const { page, context } = await newPage(browser);
  await page.goto(server.door);
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  await page.goto(`${server.base}/nothing/here`);
  await page.getByText('There is no such page').waitFor();
  await page.getByRole('link', { name: 'Go to the board' }).click();
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  await context.close();
});

test('a page that cannot be fetched says why, and comes when it can', async () => {
  const { page, context } = await newPage(browser);
  await page.goto(server.door);
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  // As after an upgrade of the server: the files of this console are gone, the server answers.
  await page.route('**/assets/trunks-*', (route) => route.fulfill({ status: 404 }));
  await page.getByRole('link', { name: 'Trunks' }).first().click();
  await page.getByText('The server has a newer console').waitFor();
  await page.unroute('**/assets/trunks-*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No trunk yet').waitFor();
  // As when it is away.
  await page.route('**', (route) => route.abort());
  await page.getByRole('link', { name: 'Routes' }).first().click();
  await page.getByText('The server does not answer').first().waitFor();
  await page.unroute('**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No route yet').waitFor();
  await context.close();
});
