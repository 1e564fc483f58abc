// What people set up and steer: trunks with a test call, routes, campaigns, agents, access, settings. Two servers: the
// near one is steered, the far one plays the carrier.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startServe } from './server.js';

let browser;
let near;
let far;
let nearInside;
let farInside;
before(async () => {
  [near, far] = [await startServe({ drain_s: 1 }), await startServe({ drain_s: 1 })];
  browser = await startBrowser();
  [nearInside, farInside] = [await enter(browser, near), await enter(browser, far)];
});
after(async () => {
  await browser?.close();
  await Promise.all([near?.stop(), far?.stop()]);
});

/** A page inside; what went wrong in it is told at its end. */
async function within(server, inside, path, run) {
  const { page, context, faults, allowed } = await newPage(browser, { context: { storageState: inside } });
  await page.goto(`${server.base}${path}`);
  await run(page, allowed);
  assert.deepEqual(faults, []);
  await context.close();
}
const onNear = (path, run) => within(near, nearInside, path, run);

/** A refusal that a test brings about: the browser notes it, too. */
const REFUSED = /status of 4(04|09|22)/;

/** Asks the near server's API with the login of the page. */
const ask = (page, method, path, body, type = 'application/json') =>
  page.evaluate(
    async ([how, where, what, kind]) => {
      const response = await fetch(new URL(where, document.baseURI), { method: how, headers: { 'Content-Type': kind, 'X-Outpace-Console': '1' }, body: what });
      if (!response.ok) throw new Error(`${how} ${where}: ${response.status} ${await response.text()}`);
      return response.status === 204 ? null : response.json();
    },
    [method, path, typeof body === 'object' ? JSON.stringify(body) : body, type],
  );

const told = (page, words) => page.getByText(words).first().waitFor();
const password = (page) => page.locator('input[autocomplete="new-password"]');

test('a route is written, refused at its row, mended and saved', async () => {
  await within(far, farInside, '/routes', async (page, allowed) => {
    allowed.push(REFUSED);
    await page.getByText('No route yet').waitFor();
    await page.getByRole('button', { name: 'Add route' }).click();
    // The new row has the focus.
    await page.keyboard.type('echo');
    await page.getByRole('button', { name: 'Add route' }).click();
    await page.keyboard.type('(');
    await page.getByRole('button', { name: 'Save routes' }).click();
    const second = page.getByRole('listitem', { name: 'Route 2' });
    await second.getByLabel('Called').and(page.locator('[aria-invalid="true"]')).waitFor();
    await second.getByLabel('Called').fill('.*');
    await second.getByRole('combobox', { name: 'Then' }).click();
    await page.getByRole('option', { name: 'Refuse' }).click();
    await second.getByRole('button', { name: 'Move route 2 up' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Route is now number 1 of 2').waitFor({ state: 'attached' });
    // It goes on by keyboard alone: the focus went with the row, and back.
    await page.keyboard.press('Enter');
    await page.getByText('Route is now number 2 of 2').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Save routes' }).click();
    await told(page, 'The routes are saved');
    await page.reload();
    assert.equal(await page.getByRole('listitem', { name: 'Route 1' }).getByLabel('Called').inputValue(), 'echo');
  });
});

test('a trunk is made, and a test call over it is seen from dialling to its end', async () => {
  await onNear('/trunks', async (page, allowed) => {
    // The end of a call is found out by asking for it once too often.
    allowed.push(REFUSED);
    await page.getByRole('link', { name: 'New trunk' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('carrier');
    await page.getByRole('button', { name: 'Make trunk' }).click();
    await page.getByLabel('Address').and(page.locator('[aria-invalid="true"]')).waitFor();
    await page.getByLabel('Address').fill(far.sip);
    await page.getByRole('textbox', { name: 'User name' }).fill('alice');
    await password(page).fill('a secret that stays');
    await page.getByRole('button', { name: 'Make trunk' }).click();
    await page.getByRole('heading', { name: 'carrier' }).waitFor();
    assert.equal(await password(page).inputValue(), '');
    assert.ok(!(await page.content()).includes('a secret that stays'));

    await page.getByLabel('Number to call').fill('echo');
    await page.getByRole('button', { name: 'Place call' }).click();
    await page.getByRole('listitem').filter({ hasText: 'Answered' }).and(page.locator('[aria-current="step"]')).waitFor();
    await page.locator('main').getByText('PCMU', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Hang up' }).click();
    await page.getByText('The call worked').waitFor();

    await page.getByLabel('Number to call').fill('nobody');
    await page.getByRole('button', { name: 'Place call' }).click();
    await page.getByText('The call was not answered').waitFor();
    await page.getByText('by the called person, 486').waitFor();
  });
});

test('a campaign is made, started, tuned, taken back, stopped and deleted', async () => {
  await onNear('/campaigns', async (page, allowed) => {
    allowed.push(REFUSED);
    await ask(page, 'POST', 'api/v1/lists', { name: 'friends' });
    await page.getByText('No campaign yet').waitFor();
    await page.getByRole('link', { name: 'New campaign' }).first().click();
    await page.getByLabel('Name').fill('spring');
    await page.getByPlaceholder('Choose a list').click();
    await page.getByRole('option', { name: /^friends/ }).click();
    await page.getByPlaceholder('Choose a trunk').click();
    await page.getByRole('option', { name: /^carrier/ }).click();
    await page.getByLabel('Number that is shown').fill('12');
    await page.getByRole('button', { name: 'Make campaign' }).click();
    const shown = page.getByLabel('Number that is shown');
    await shown.and(page.locator('[aria-invalid="true"]')).waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true');
    await shown.fill('+1 (212) 555-0100');
    await page.getByRole('radio', { name: /^Lab/ }).click();
    await page.getByText('no calling hours and no caps protect anybody').waitFor();
    await page.getByRole('radio', { name: /^United States/ }).click();
    await page.getByRole('button', { name: 'Make campaign' }).click();
    await page.getByRole('heading', { name: 'spring' }).waitFor();
    assert.equal(await page.getByLabel('Number that is shown').inputValue(), '+12125550100');

    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
    await told(page, 'Campaign spring runs');
    await page.getByText('Running').first().waitFor();

    await page.getByLabel('Abandon limit').fill('2');
    await page.getByText('1 change: Abandon limit').waitFor();
    await page.getByText('Takes effect at once').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await told(page, 'Saved: Abandon limit');
    assert.equal((await ask(page, 'GET', 'api/v1/campaigns/spring')).settings.limit, 0.02);
    await page.getByRole('button', { name: 'Undo' }).click();
    await told(page, 'Taken back: Abandon limit');
    assert.equal((await ask(page, 'GET', 'api/v1/campaigns/spring')).settings.limit, undefined);
    assert.equal(await page.getByLabel('Abandon limit').inputValue(), '');

    // Which leads are meant is counted while it is written; what is wrong with it is said.
    const filter = page.getByLabel('Only leads that');
    await filter.fill('attempts < 3');
    await page.getByText('0 leads of friends fit.').waitFor();
    await filter.fill('attempts smaller 3');
    await page.getByRole('alert').filter({ hasText: 'character' }).waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();

    // What somebody else changes follows here, and does not take away what is being written.
    await page.getByLabel('Most attempts at one lead').fill('4');
    await ask(page, 'PATCH', 'api/v1/campaigns/spring', { ring_timeout_s: 31 });
    await page.waitForFunction(() => [...document.querySelectorAll('input')].some((input) => input.value === '31 s'));
    assert.equal(await page.getByLabel('Most attempts at one lead').inputValue(), '4');
    await page.getByRole('button', { name: 'Discard' }).click();
    assert.equal(await page.getByLabel('Most attempts at one lead').inputValue(), '6');

    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
    await told(page, 'Campaign spring is stopped');
    await page.getByRole('button', { name: 'Delete campaign' }).click();
    const sure = page.getByRole('dialog').getByRole('button', { name: 'Delete campaign' });
    assert.ok(await sure.isDisabled());
    await page.getByLabel('Type spring to confirm').fill('spring');
    await sure.click();
    await told(page, 'Campaign spring is deleted');
    await page.getByText('No campaign yet').waitFor();
  });
});

test('an agent is made, changed and deleted', async () => {
  await onNear('/agents', async (page, allowed) => {
    allowed.push(REFUSED);
    await page.getByRole('button', { name: 'New agent' }).click();
    await page.getByLabel('Name').fill('ann smith');
    await page.getByRole('button', { name: 'Make agent' }).click();
    await page.getByLabel('Name').and(page.locator('[aria-invalid="true"]')).waitFor();
    await page.getByLabel('Name').fill('ann');
    await page.getByRole('combobox', { name: 'Skills' }).fill('german');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make agent' }).click();
    await told(page, 'Agent ann is made');
    await page.getByRole('row').filter({ hasText: 'ann' }).getByText('german').waitFor();

    await page.getByRole('button', { name: 'Actions for ann' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    await password(page).fill('correct horse battery');
    await page.getByRole('button', { name: 'Save' }).click();
    await told(page, 'Agent ann is saved');
    const accounts = await ask(page, 'GET', 'api/v1/accounts');
    assert.deepEqual(accounts.items.map(({ name, role, agent }) => ({ name, role, agent })), [{ name: 'ann', role: 'agent', agent: 'ann' }]);

    await page.getByRole('button', { name: 'Actions for ann' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete agent' }).click();
    await told(page, 'Agent ann is deleted');
    await page.getByText('No agent yet').waitFor();
  });
});

test('a token is made, shown once, used and withdrawn; the audit log knows', async () => {
  await onNear('/tokens?tab=tokens', async (page) => {
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name').fill('wallboard');
    await page.getByRole('radio', { name: /^Supervisor/ }).click();
    await page.getByRole('button', { name: 'Make token' }).click();
    const token = await page.getByLabel('Token', { exact: true }).inputValue();
    assert.match(token, /^op_/);
    const use = () => fetch(`${near.base}/api/v1/whoami`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal((await (await use()).json()).role, 'supervisor');
    // A slip does not lose it.
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'I have kept it' }).click();
    assert.ok(!(await page.content()).includes(token));

    await page.getByRole('row').filter({ hasText: 'wallboard' }).getByRole('button', { name: 'Withdraw' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
    await told(page, 'Token wallboard is withdrawn');
    assert.equal((await use()).status, 401);
    await page.getByRole('switch', { name: 'Show withdrawn ones too' }).click();
    await page.getByRole('row').filter({ hasText: 'wallboard' }).getByText('Withdrawn').waitFor();

    await page.goto(`${near.base}/audit?target=tokens`);
    await page.getByRole('grid').getByText('Made a token').waitFor();
    await page.getByRole('grid').getByText(/^Withdrew token \d+$/).waitFor();
  });
});

test('an account is made, given another role, disabled and deleted', async () => {
  await onNear('/tokens', async (page, allowed) => {
    allowed.push(REFUSED);
    await page.getByRole('button', { name: 'New account' }).first().click();
    await page.getByLabel('Name').fill('vera');
    await password(page).fill('short');
    await page.getByRole('button', { name: 'Make account' }).click();
    await password(page).and(page.locator('[aria-invalid="true"]')).waitFor();
    await password(page).fill('correct horse battery');
    await page.getByRole('button', { name: 'Make account' }).click();
    await told(page, 'Account vera is made');
    const menu = async (item) => {
      await page.getByRole('button', { name: 'Actions for vera' }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    await menu('Change role');
    await page.getByRole('radio', { name: /^Viewer/ }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await told(page, 'vera has a new role');
    await menu('Disable');
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('row').filter({ hasText: 'vera' }).getByText('Disabled').waitFor();
    await menu('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete account' }).click();
    await told(page, 'Account vera is deleted');
  });
});

test('a setting is changed while the server runs, and taken back', async () => {
  await onNear('/settings', async (page) => {
    const value = async () => (await ask(page, 'GET', 'api/v1/settings')).items.find((item) => item.key === 'desk.wrap_up_s').value;
    const before = await value();
    await page.getByLabel('desk.wrap_up_s', { exact: true }).fill('21');
    await page.getByRole('button', { name: 'Save desk.wrap_up_s' }).click();
    await told(page, 'desk.wrap_up_s is 21 now');
    assert.equal(await value(), 21);
    await page.getByRole('button', { name: 'Undo' }).click();
    await told(page, `desk.wrap_up_s is ${before} again`);
    assert.equal(await value(), before);
  });
});

test('one of my logins is ended from another', async () => {
  let token;
  await onNear('/account', async (page) => {
    ({ token } = await ask(page, 'POST', 'api/v1/tokens', { name: 'twice', role: 'viewer' }));
  });
  const door = { door: `${near.base}/#token=${token}` };
  const [here, there] = [await enter(browser, door), await enter(browser, door)];
  const { page: left } = await newPage(browser, { context: { storageState: there } });
  await left.goto(`${near.base}/calls`);
  await left.getByRole('heading', { name: 'Calls' }).waitFor();
  await within(near, here, '/account', async (page) => {
    await page.getByText('This one').waitFor();
    await page.getByRole('button', { name: /^Log out Chrome/ }).click();
    await told(page, 'That login has ended');
  });
  await left.getByText('Your login has ended').waitFor({ timeout: 30_000 });
  await left.context().close();
});
