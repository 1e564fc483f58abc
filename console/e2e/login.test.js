// In and out: by the door of the demo, by a token, by a password; what a login may, and how it ends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startLine, startServe } from './server.js';

const PASSWORD = 'correct horse battery';

let browser;
let server;
let admin;
before(async () => {
  server = await startServe();
  browser = await startBrowser();
  admin = await enter(browser, server);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Asks the API as the administrator. */
async function asAdmin(path, body) {
  const { page, context } = await newPage(browser, { context: { storageState: admin } });
  await page.goto(`${server.base}/board`);
  const answer = await page.evaluate(
    async ([where, what]) => {
      const response = await fetch(where, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Outpace-Console': '1' }, body: JSON.stringify(what) });
      return { code: response.status, body: await response.json().catch(() => null) };
    },
    [path, body],
  );
  await context.close();
  assert.equal(answer.code, 201, JSON.stringify(answer.body));
  return answer.body;
}

async function logIn(page, name, password) {
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.locator('input[name="password"]').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

test('the door logs in, keeps its token out of the address, and the login survives a reload', async () => {
  const { page, context, faults } = await newPage(browser);
  await page.goto(server.door);
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  assert.ok(!page.url().includes('token'), page.url());
  assert.ok(!(await page.evaluate(() => document.cookie)).includes('outpace'), 'no script sees the cookie');
  await page.reload();
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  await page.goBack().catch(() => null);
  assert.ok(!page.url().includes('token'), page.url());
  assert.deepEqual(faults, []);
  await context.close();
});

test('who comes to a deep place logs in there and stays there', async () => {
  const { token } = await asAdmin('api/v1/tokens', { name: 'deep', role: 'supervisor' });
  const { page, context } = await newPage(browser);
  await page.goto(`${server.base}/calls`);
  await page.getByText('Token', { exact: true }).click();
  await page.locator('input[name="token"]').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Calls' }).waitFor();
  assert.equal(page.url(), `${server.base}/calls`);
  await context.close();
});

test('a wrong password is told, without telling what of it is wrong', async () => {
  await asAdmin('api/v1/accounts', { name: 'vera', role: 'viewer', password: PASSWORD });
  const { page, context } = await newPage(browser);
  await page.goto(server.base);
  for (const [name, password] of [['vera', 'not it at all'], ['nobody', PASSWORD]]) {
    await logIn(page, name, password);
    await page.getByRole('alert').getByText('Name or password is wrong').waitFor();
  }
  await logIn(page, 'vera', PASSWORD);
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  await context.close();
});

test('what a role may not do is not offered', async () => {
  const { page, context } = await newPage(browser);
  await page.goto(server.base);
  await logIn(page, 'vera', PASSWORD);
  const navigation = page.getByRole('navigation', { name: 'Navigation' }).first();
  await navigation.getByRole('link', { name: 'Board' }).waitFor();
  assert.equal(await navigation.getByRole('link', { name: 'Access' }).count(), 0);
  await page.goto(`${server.base}/tokens`);
  await page.getByText('This page is not for your role').waitFor();
  await context.close();
});

test('logging out, and logging out everywhere', async () => {
  await asAdmin('api/v1/accounts', { name: 'otto', role: 'supervisor', password: PASSWORD });
  const pages = [];
  for (let i = 0; i < 2; i += 1) {
    const { page } = await newPage(browser);
    await page.goto(`${server.base}/calls`);
    await logIn(page, 'otto', PASSWORD);
    await page.getByRole('heading', { name: 'Calls' }).waitFor();
    pages.push(page);
  }
  const [here, there] = pages;
  await here.getByRole('button', { name: /^otto/ }).click();
  await here.getByRole('menuitem', { name: 'Log out', exact: true }).click();
  await here.getByRole('button', { name: 'Log in' }).waitFor();
  await here.reload();
  await logIn(here, 'otto', PASSWORD);
  await here.getByRole('button', { name: /^otto/ }).click();
  await here.getByRole('menuitem', { name: 'Log out everywhere' }).click();
  await here.getByRole('button', { name: 'Log out everywhere' }).click();
  await here.getByRole('button', { name: 'Log in' }).waitFor();
  // The other one learns it by its stream of events, and keeps its place.
  await there.getByText('Your login has ended').waitFor({ timeout: 30_000 });
  assert.equal(there.url(), `${server.base}/calls`);
  await logIn(there, 'otto', PASSWORD);
  await there.getByRole('heading', { name: 'Calls' }).waitFor();
  for (const page of pages) await page.context().close();
});

test('a lost connection is told, and mended by itself', async (t) => {
  const line = await startLine(server.base);
  t.after(() => line.stop());
  const { page, context, faults, allowed } = await newPage(browser, { context: { storageState: admin } });
  allowed.push(/net::ERR_/);
  await page.goto(`${line.base}/board`);
  await page.getByRole('heading', { name: 'Board' }).waitFor();
  line.cut();
  await page.getByText('No connection to the server').waitFor({ timeout: 60_000 });
  line.mend();
  await page.getByText('No connection to the server').waitFor({ state: 'detached', timeout: 60_000 });
  assert.deepEqual(faults, []);
  await context.close();
});
