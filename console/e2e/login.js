// One login for all pages of a test: the demo's token is for the door, the cookie is what one keeps.
import { newPage } from './browser.js';

/** Goes in by the demo's door; gives what a new context needs to be inside (`storageState`). */
export async function enter(browser, demo) {
  const { page, context } = await newPage(browser);
  await page.goto(demo.door);
  await page.getByRole('navigation').first().waitFor();
  const storageState = await context.storageState();
  await context.close();
  return storageState;
}
