// What operators ask of the pacer: what if it were steered otherwise, and why it dialled as it did.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';

/** Calls that a day needs to be replayed. */
const CALLS_MIN = 200;

let browser;
let demo;
let inside;
before(async () => {
  demo = await startDemo(['--leads', '10000', '--agents', '16', '--seconds', '3600']);
  browser = await startBrowser();
  inside = await enter(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A page inside; what went wrong in it is told at its end. */
async function within(path, run) {
  const { page, context, faults, allowed } = await newPage(browser, { context: { storageState: inside } });
  await page.goto(`${demo.base}${path}`);
  await run(page, allowed);
  assert.deepEqual(faults, []);
  await context.close();
}

const get = (page, path) => page.evaluate(async (where) => (await fetch(new URL(where, document.baseURI))).json(), path);
const limitOf = async (page) => (await get(page, 'api/v1/campaigns/demo')).settings.limit;
const limit = (page) => page.getByRole('textbox', { name: 'Abandon limit' });
const tryIt = (page) => page.getByRole('button', { name: 'Try it' });
/** Waits for it: what was chosen takes a moment to arrive. */
const cannotTry = (page) => page.getByRole('button', { name: 'Try it', disabled: true }).waitFor();

/** A choice of a field; the list may be longer than what is in sight. */
async function choose(page, field, option) {
  await page.getByRole('combobox', { name: field }).click();
  await page.getByRole('option', { name: option }).click();
}

test('a made-up day is tried with another limit, the answer is applied and taken back', async () => {
  await within('/campaigns/demo/whatif', async (page) => {
    await choose(page, 'Which day', 'A made-up day');
    // As it is now there is nothing to ask.
    await cannotTry(page);
    await page.getByText('Quick', { exact: true }).click();
    await page.getByRole('button', { name: 'One agent more' }).click();
    // The rest by keyboard: a field, and Enter sends.
    await limit(page).fill('1');
    await limit(page).press('Enter');
    // At 0 % it is a bar without a width, and a quick day is over before it has one.
    await page.getByRole('progressbar', { name: 'Progress' }).waitFor({ state: 'attached' });
    await page.getByRole('heading', { name: 'With limit 1.0%, 1 agent more' }).waitFor({ timeout: 300_000 });
    await page.getByText(/made-up day, replayed 10 times each way/).waitFor();
    for (const title of ['Agents busy', 'Abandoned so far', 'Room left under the limit']) await page.locator('figure', { hasText: title }).locator('canvas').waitFor();
    const rate = page.getByRole('row', { name: /Abandon rate/ }).getByRole('cell');
    const mean = async (index) => Number.parseFloat(await rate.nth(index).innerText());
    const [asSet, changed] = [await mean(0), await mean(1)];
    assert.ok(changed < 1.05 && changed < asSet, `${changed} % of at most 1 %, ${asSet} % as set now`);

    // The answer has an address.
    await page.reload();
    await page.getByRole('heading', { name: 'With limit 1.0%, 1 agent more' }).waitFor();
    // And brings its question back into the fields.
    assert.equal(await limit(page).inputValue(), '1 %');
    assert.equal(await page.getByRole('textbox', { name: 'Agents more or fewer' }).inputValue(), '+1');
    const old = await limitOf(page);
    await page.getByRole('button', { name: 'Apply to demo' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('It becomes: limit 1.0%').waitFor();
    assert.equal(await limitOf(page), old, 'nothing is changed before it is confirmed');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('demo is set like this').waitFor();
    assert.equal(await limitOf(page), 0.01);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('demo is as it was').waitFor();
    assert.equal(await limitOf(page), old);
  });
});

test('one that takes long is cancelled', async () => {
  await within('/campaigns/demo/whatif?day=base', async (page) => {
    await page.getByText('Progressive', { exact: true }).click();
    await page.getByText('Thorough', { exact: true }).click();
    await tryIt(page).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Nothing was changed.').waitFor();
    await page.getByRole('button', { name: 'Ask another question' }).click();
    await page.getByText('Ask before you change a live campaign').waitFor();
  });
});

test('a day without calls says to pick another', async () => {
  await within('/campaigns/demo/whatif', async (page, allowed) => {
    // The browser notes what the server does not have.
    allowed.push(/status of 404/);
    await choose(page, 'Which day', 'Another day …');
    await limit(page).fill('2');
    await cannotTry(page);
    await page.getByLabel('Date').fill('2020-02-03');
    await page.getByText('This campaign placed no call on that day. Pick another day').waitFor();
    await cannotTry(page);
    // An answer that the server no longer has.
    await page.goto(`${demo.base}/campaigns/demo/whatif?run=99999`);
    await page.getByText('This answer is no longer there').waitFor();
  });
});

test('today is replayed from its own calls', async () => {
  await within('/campaigns/demo/whatif', async (page) => {
    for (;;) {
      if ((await get(page, 'api/v1/campaigns/demo')).attempts > CALLS_MIN + 20) break;
      await page.waitForTimeout(500);
    }
    await page.reload();
    await choose(page, 'Which day', /^Today so far/);
    await page.getByText('Quick', { exact: true }).click();
    for (let more = 0; more < 3; more += 1) await page.getByRole('button', { name: 'One agent more' }).click();
    await tryIt(page).click();
    await page.getByRole('heading', { name: 'With 3 agents more' }).waitFor({ timeout: 300_000 });
    await page.getByText(/^The \d+ calls of .*, replayed 10 times each way/).waitFor();
    // People are no setting.
    assert.equal(await page.getByRole('button', { name: 'Apply to demo' }).count(), 0);
    await page.getByText('How many agents work is not a setting').waitFor();
  });
});

const sentence = (page) => page.getByText(/^At .* demo launched/);

test('decisions are followed, one is explained, and the moment stands in the address', async () => {
  await within('/campaigns/demo/why', async (page) => {
    await sentence(page).waitFor();
    const row = page.getByRole('grid', { name: 'Decisions' }).getByRole('row').nth(3);
    await row.click();
    await page.waitForURL(/\?at=\d+/);
    // The address says it first and the page is drawn after it: until then the list still shows the latest as chosen.
    const at_us = Number(new URL(page.url()).searchParams.get('at'));
    const time = await page.evaluate((us) => `${new Date(us / 1_000).toLocaleTimeString('en-GB')}.${Math.floor((us % 1_000_000) / 100_000)}`, at_us);
    await page.getByText(`At ${time} demo launched`).waitFor();
    assert.equal(await page.getByRole('row', { selected: true }).getByRole('gridcell').first().innerText(), time);
    const told = await sentence(page).innerText();
    for (const heading of ['Agents', 'Calls under way', 'Abandon limit', 'Room for calls']) await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    // Neighbours may say the same within a tenth of a second: their addresses differ.
    const moment = page.url();
    await page.getByRole('button', { name: 'Before' }).click();
    await page.waitForURL((url) => url.href !== moment);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.waitForURL(moment);
    await page.getByText(told, { exact: true }).waitFor();
    await page.reload();
    // It is found again by its address.
    await page.getByText(told, { exact: true }).waitFor();
    // From here by keyboard: the list takes arrows and Enter.
    await page.getByRole('row', { selected: true }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.href !== moment);
    await page.getByRole('button', { name: 'Latest' }).click();
    await page.waitForURL((url) => !url.search.includes('at='));
  });
});

test('a moment before all decisions says so and leads back', async () => {
  await within('/campaigns/demo/why', async (page) => {
    await sentence(page).waitFor();
    await page.goto(`${demo.base}/campaigns/demo/why?at=2020-01-01T10:00:00Z`);
    await page.getByText('No decision is kept of that moment').waitFor();
    await page.getByRole('button', { name: 'See the oldest' }).click();
    await sentence(page).waitFor();
    await page.getByRole('button', { name: 'Latest', exact: true }).click();
    await page.waitForURL((url) => !url.search.includes('at='));
  });
});

test('a click on the calls of the board leads to the decision of that moment', async () => {
  await within('/board/demo', async (page) => {
    const plot = page.getByTitle('Click a moment to see why it dialled then');
    await plot.waitFor();
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForURL(/\/campaigns\/demo\/why\?at=\d+/);
    await sentence(page).waitFor();
    await page.getByRole('img', { name: /^Forecast and actual share/ }).waitFor();
  });
});

test('an agent looks at each lead first, skips one and dials the next', async () => {
  const change = (page, path, body) =>
    page.evaluate(
      async ([where, what]) => {
        const headers = { 'Content-Type': 'application/json', 'X-Outpace-Console': '1' };
        const response = await fetch(new URL(where, document.baseURI), { method: 'PATCH', headers, body: JSON.stringify(what) });
        if (!response.ok) throw new Error(await response.text());
      },
      [path, body],
    );
  let agent;
  await within('/campaigns/demo', async (page) => {
    agent = (await get(page, 'api/v1/agents')).items[0].name;
    await change(page, `api/v1/agents/${agent}`, { password: 'a long enough one' });
    await page.getByRole('radio', { name: /^Preview/ }).click();
    await page.getByLabel('Time to look').fill('600');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/^Saved: .*Mode/).waitFor();
    assert.equal((await get(page, 'api/v1/campaigns/demo')).settings.mode, 'preview');
  });
  const { page, context, faults, allowed } = await newPage(browser);
  // Nobody is logged in at first, which the browser notes.
  allowed.push(/status of 401/);
  await page.goto(demo.base);
  await page.getByRole('textbox', { name: 'Name' }).fill(agent);
  await page.locator('input[name="password"]').fill('a long enough one');
  await page.getByRole('button', { name: 'Log in' }).click();
  const card = page.getByRole('region', { name: 'Next lead of demo' });
  await card.waitFor({ timeout: 120_000 });
  const shown = card.getByRole('status');
  await card.getByText('Number').waitFor();
  const first = await shown.innerText();
  await card.getByRole('button', { name: 'Skip …' }).click();
  await card.getByLabel('Why it is skipped').fill('called back already');
  await page.keyboard.press('Enter');
  await page.waitForFunction((old) => ![...document.querySelectorAll('[role=status]')].some((one) => one.textContent === old), first);
  await card.getByRole('button', { name: 'Dial' }).waitFor({ timeout: 120_000 });
  await card.getByRole('button', { name: 'Dial' }).click();
  // The call takes the agent from the card, whatever becomes of it.
  await card.waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await context.close();
});
