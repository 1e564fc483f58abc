// From a file with bad rows to a person who is not called any more, and a report to take along; by the console alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';

/** As a spreadsheet in Germany saves it: semicolons, windows-1252, a number turned into a power of ten. */
const FILE = [
  'Telefon;Vorname;Nachname;Kundennummer',
  '0151 23456789;Jörg;Müllerson;C-1',
  '12;Zu;Kurz;C-2',
  '4,9E+11;Ex;Cel;C-3',
  '+49 30 901820;Änne;Weißkopf;C-4',
  '015123456789;Noch;Einmal;C-5',
  '',
].join('\r\n');

let browser;
let demo;
let inside;
before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
  inside = await enter(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

async function open(path) {
  const it = await newPage(browser, { context: { storageState: inside, acceptDownloads: true } });
  await it.page.goto(`${demo.base}${path}`);
  return it;
}

/** What a link gives as a file. */
async function download(page, link) {
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
}

/** The number below a label. */
async function figure(page, label) {
  const text = await page.locator('main').getByText(label, { exact: true }).locator('xpath=following-sibling::div[1]').innerText();
  return Number(text.replaceAll(',', ''));
}

test('a file with bad rows comes onto a list: preview, rehearsal, import, what was rejected', async () => {
  const { page, context, faults } = await open('/lists');
  await page.getByRole('button', { name: 'New list' }).first().click();
  await page.getByRole('textbox', { name: 'Name' }).fill('bad name!');
  await page.getByRole('dialog').getByRole('button', { name: 'New list' }).click();
  await page.getByText('Write 1 to 64 letters').waitFor();
  await page.getByRole('textbox', { name: 'Name' }).fill('winter');
  await page.getByRole('dialog').getByRole('button', { name: 'New list' }).click();
  await page.getByRole('heading', { name: 'Import onto winter' }).waitFor();

  // A workbook is no CSV file; nothing is sent.
  await page.locator('input[type=file]').setInputFiles({ name: 'leads.xlsx', mimeType: 'application/zip', buffer: Buffer.from('PK\x03\x04rest') });
  await page.getByText('is a workbook, not a CSV file').waitFor();

  await page.locator('input[type=file]').setInputFiles({ name: 'winter.csv', mimeType: 'text/csv', buffer: Buffer.from(FILE, 'latin1') });
  await page.getByRole('combobox', { name: 'Country of the numbers' }).fill('Germany');
  await page.getByRole('option', { name: 'Germany (DE)' }).click();
  const rows = page.getByRole('group', { name: 'The first rows, as they would be read' });
  await rows.getByText('+4915123456789').first().waitFor();
  await rows.getByText('Jörg').waitFor();
  await rows.getByText('too few digits').waitFor();
  await rows.getByText('a spreadsheet turned the number into a power of ten').waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Last name' }).inputValue(), 'Nachname');
  assert.equal(await page.getByRole('combobox', { name: 'Own id' }).inputValue(), 'Kundennummer');

  await page.getByRole('button', { name: 'Check the whole file' }).click();
  await page.getByText('Would be accepted').waitFor();
  await page.getByText('Checked').waitFor();
  assert.deepEqual([await figure(page, 'Rows'), await figure(page, 'Would be accepted'), await figure(page, 'Duplicates'), await figure(page, 'Rejected')], [5, 2, 1, 2]);

  // The rehearsal wrote nothing.
  const leads = () => page.evaluate(async () => (await (await fetch('api/v1/lists/winter')).json()).leads);
  assert.equal(await leads(), 0);
  await page.getByRole('button', { name: 'Import 2 leads' }).click();
  await page.getByText('Accepted', { exact: true }).waitFor();
  await page.getByText('Done', { exact: true }).waitFor();
  assert.deepEqual([await figure(page, 'Accepted'), await figure(page, 'Rejected')], [2, 2]);
  assert.equal(await leads(), 2);
  await page.getByRole('grid', { name: 'Rows that were not taken' }).getByText('too few digits').waitFor();
  const rejected = await download(page, page.getByRole('link', { name: 'As CSV' }));
  assert.match(rejected.text, /^line,/);
  assert.match(rejected.text, /^3,.*too few digits/m);
  assert.match(rejected.text, /^4,.*power of ten/m);

  // Its address is enough to come back to it.
  await page.reload();
  await page.getByText('Done', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Open the list' }).click();
  await page.getByRole('grid', { name: 'Leads' }).getByText('+4930901820').waitFor();
  await page.getByRole('tab', { name: 'Imports' }).click();
  const imports = page.getByRole('grid', { name: 'Imports' });
  await imports.getByText('Checked').waitFor();
  assert.equal(await imports.getByRole('row').count(), 3);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a person is found by what one types, and is not called any more', async () => {
  const { page, context, faults } = await open('/contacts');
  const grid = page.getByRole('grid', { name: 'Contacts' });
  for (const typed of ['müllers', 'MULLERSON jo', '+49151', '456789', 'C-1']) {
    await page.getByRole('searchbox', { name: 'Search' }).fill(typed);
    await page.waitForURL((url) => url.searchParams.get('search') === typed);
    await grid.getByText('Jörg Müllerson').waitFor();
  }
  await page.getByRole('searchbox', { name: 'Search' }).fill('nobody of this name');
  await page.getByText('Nobody was found').waitFor();
  await page.getByRole('searchbox', { name: 'Search' }).fill('Müllerson');
  await grid.getByText('Jörg Müllerson').waitFor();

  // By the keyboard alone: from the search into the rows, and in.
  await page.getByRole('searchbox', { name: 'Search' }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Jörg Müllerson' }).waitFor();

  await page.getByRole('button', { name: 'Do not call' }).click();
  await page.getByRole('textbox', { name: 'Reason' }).fill('asked by letter');
  await page.getByRole('dialog').getByRole('button', { name: 'Do not call' }).click();
  await page.getByText('Not to be called').waitFor();
  await page.getByText('asked by letter').waitFor();
  const suppressed = () => page.evaluate(async () => (await (await fetch('api/v1/do-not-call?number=%2B4915123456789')).json()).items.length);
  assert.equal(await suppressed(), 1);

  await page.getByRole('button', { name: 'Record a consent' }).click();
  await page.getByRole('textbox', { name: 'Source', exact: true }).fill('letter');
  await page.getByRole('textbox', { name: 'Proof' }).fill('letter 12');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText(/letter 12/).waitFor();

  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Mars/Olympus');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByText(/time zone|no such/i).last().waitFor();
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlin');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Their clock').waitFor();

  await page.getByRole('button', { name: 'Allow calls again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Allow calls again' }).click();
  await page.getByText('Not to be called').waitFor({ state: 'detached' });
  assert.equal(await suppressed(), 0);
  // Both stay on record.
  await page.getByText('+4915123456789 put on').waitFor();
  await page.getByText('+4915123456789 lifted').waitFor();
  assert.deepEqual(faults.filter((fault) => !fault.includes('422')), []);
  await context.close();
});

test('results are narrowed by the address, open beside the table, and leave as a file of just that', async () => {
  const { page, context, faults } = await open('/results');
  const grid = page.getByRole('grid', { name: 'Attempts' });
  const before = Date.now();
  // A demo that has just begun has no connected call for a while.
  while ((await page.evaluate(async () => (await (await fetch('api/v1/attempts?outcome=connected&limit=1')).json()).items.length)) === 0) {
    assert.ok(Date.now() - before < 120_000, 'no call of the demo was connected');
    await page.waitForTimeout(500);
  }
  await page.getByRole('combobox', { name: 'Outcome' }).click();
  await page.getByRole('option', { name: 'Connected' }).click();
  await page.waitForURL((url) => url.searchParams.get('outcome') === 'connected');
  await page.locator('[role=grid]:not([aria-busy])').getByText('Connected').first().waitFor();
  await grid.getByRole('row').nth(1).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('heading', { name: 'Why it was made' }).waitFor();
  await drawer.getByText(/from the end of the greeting/).waitFor();
  await page.reload();
  await drawer.getByRole('heading', { name: 'How it went' }).waitFor();
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  const file = await download(page, page.getByRole('link', { name: 'Export as CSV' }));
  const [head, ...lines] = file.text.trim().split(/\r?\n/);
  const outcome = head.split(',').indexOf('outcome');
  assert.ok(lines.length > 0);
  assert.ok(lines.every((line) => line.split(',')[outcome] === 'connected'), file.text);

  await page.getByRole('tab', { name: 'Answered calls' }).click();
  await page.getByRole('grid', { name: 'Answered calls' }).getByRole('row').nth(1).click();
  await page.getByRole('dialog').getByRole('heading', { name: 'What happened' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('a report is read, drawn and taken along', async () => {
  const { page, context, faults } = await open('/campaigns');
  const name = await page.evaluate(async () => (await (await fetch('api/v1/campaigns')).json()).items[0].name);
  await page.goto(`${demo.base}/reports/${encodeURIComponent(name)}`);
  await page.getByRole('heading', { name: `Report on ${name}` }).waitFor();
  await page.getByRole('img', { name: /By the hour: \d/ }).waitFor();
  const shown = await figure(page, 'Attempts');
  assert.ok(shown > 0);
  const file = await download(page, page.getByRole('link', { name: 'Download as CSV' }));
  assert.match(file.name, /\.csv$/);
  const attempts = Number(/^attempts,(\d+)/m.exec(file.text)?.[1]);
  // The campaign went on between the two.
  assert.ok(attempts >= shown, `${attempts} < ${shown}`);
  assert.match(file.text, /^outcomes\r?$/m);
  const svg = await download(page, page.getByRole('button', { name: 'Save the plot as SVG' }));
  assert.match(svg.text, /^<svg[^]*<\/svg>$/);
  assert.ok(!svg.text.includes('var('), 'colours are written out');
  const png = await download(page, page.getByRole('button', { name: 'Save the plot as PNG' }));
  assert.match(png.name, /\.png$/);
  await page.getByRole('button', { name: 'Show as table' }).click();
  await page.getByRole('group', { name: 'By the hour' }).getByRole('columnheader', { name: 'Attempts' }).waitFor();
  await page.getByRole('combobox', { name: 'When' }).click();
  await page.getByRole('option', { name: 'Yesterday' }).click();
  await page.getByText('Nothing was dialled in this time').waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('a list of numbers from outside is loaded with its day; a file that looks wrong only when that is wanted', async () => {
  const { page, context, faults, allowed } = await open('/lists');
  // The browser notes the refusal.
  allowed.push(/status of 422/);
  await page.getByRole('link', { name: 'Numbers not to call' }).click();
  await page.getByText('No such list is loaded').waitFor();
  const load = page.getByRole('button', { name: 'Load', exact: true });
  await load.click();
  await page.getByText('Say whose list it is', { exact: true }).waitFor();
  await page.getByRole('textbox', { name: 'Source', exact: true }).fill('ftc');
  await page.getByLabel('Day of the source').fill(new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10));
  const file = page.locator('input[type=file]');
  await file.setInputFiles({ name: 'ftc.csv', mimeType: 'text/csv', buffer: Buffer.from('one\ntwo\n+12125550143\n') });
  await load.click();
  await page.getByText(/holds 1 numbers and 2 lines without one/).waitFor();
  await page.getByText('No such list is loaded').waitFor();
  await page.getByRole('checkbox', { name: 'Load it all the same' }).check();
  await load.click();
  await page.getByText('ftc: 1 number is in force').waitFor();
  await page.getByText('2 lines held no number, line 1 first.').waitFor();
  await page.getByRole('row', { name: /^ftc.*Do not call.*1.*3 days/ }).waitFor();
  // The next one of the same source takes its place.
  await page.getByLabel('Day of the source').fill(new Date().toISOString().slice(0, 10));
  await file.setInputFiles({ name: 'ftc.csv', mimeType: 'text/csv', buffer: Buffer.from('+12125550143\n+12125550144\n') });
  await load.click();
  await page.getByRole('row', { name: /^ftc.*Do not call.*2.*0 days/ }).waitFor();
  assert.equal(await page.getByRole('grid').getByRole('row').count(), 2);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a promised call stands among those that are still to be made', async () => {
  const { page, context, faults } = await open('/campaigns');
  const promised = await page.evaluate(async () => {
    const lead = (await (await fetch(new URL('api/v1/leads?list=demo&limit=1', document.baseURI))).json()).items[0];
    const body = { lead: lead.id, campaign: 'demo', at: new Date(Date.now() + 3_600_000).toISOString(), note: 'after lunch' };
    const answer = await fetch(new URL('api/v1/callbacks', document.baseURI), { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Outpace-Console': '1' }, body: JSON.stringify(body) });
    return { number: lead.number, code: answer.status };
  });
  assert.equal(promised.code, 201);
  await page.getByRole('link', { name: 'Promised calls' }).click();
  const row = page.getByRole('row').filter({ hasText: promised.number });
  await row.filter({ hasText: 'after lunch' }).filter({ hasText: 'Later' }).filter({ hasText: 'Whoever is free' }).waitFor();
  await row.getByRole('link').first().click();
  await page.getByRole('grid', { name: 'Contacts' }).getByText(promised.number).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
