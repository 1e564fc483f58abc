// No page breaks the rules of accessibility that a program can check, in either theme, large or small.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newPage, startBrowser, violations } from './browser.js';
import { enter } from './login.js';
import { startDemo } from './server.js';
import { visit, visits } from './visits.js';

let browser;
let demo;
let inside;
before(async () => {
  // Calls are under way until the last page, however long that takes.
  demo = await startDemo(['--leads', '10000', '--seconds', '3600', '--detector', 'default']);
  browser = await startBrowser();
  inside = await enter(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

for (const [scheme, width] of [['light', 1280], ['dark', 1280], ['light', 390], ['dark', 390]]) {
  test(`pages in ${scheme} at ${width} px`, async (t) => {
    await t.test('login', async () => {
      const { page, context } = await newPage(browser, { scheme, width });
      await page.goto(demo.base);
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      assert.deepEqual(await violations(page), []);
      await context.close();
    });
    const { page, context, faults, allowed } = await newPage(browser, { scheme, width, context: { storageState: inside } });
    await page.goto(demo.base);
    await page.getByRole('navigation').first().waitFor();
    for (const place of visits) {
      await t.test(place.name, async () => {
        if (place.allowed) allowed.push(place.allowed);
        await visit(page, demo.base, place);
        assert.deepEqual(await violations(page), []);
        assert.deepEqual(faults.splice(0), []);
      });
    }
    await context.close();
  });
}
