// Debian's Chromium, and pages that remember everything that went wrong in them.
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // A page that nobody looks at must not slow down.
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function startBrowser(more = []) {
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: [...ARGUMENTS, ...more] });
}

/**
 * A page in a context of its own. `faults` has each console error, exception and breach of the page's policy; `allowed`
 * are texts of errors that a test brings about on purpose.
 */
export async function newPage(browser, { scheme = 'light', width = 1280, height = 900, context: options = {} } = {}) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce', locale: 'en-GB', ...options });
  const page = await context.newPage();
  const faults = [];
  const allowed = [];
  const note = (text) => {
    if (!allowed.some((pattern) => pattern.test(text))) faults.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => note(`exception: ${error.stack ?? error.message}`));
  await page.exposeFunction('__breach', (text) => note(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => window.__breach(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
  });
  return { page, context, faults, allowed };
}

/** Violations of WCAG 2.2 A and AA and of axe's best practices, one line each; empty is what is wanted. */
export async function violations(page) {
  // By the debugger, as a script of the page would be against its policy.
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return found.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1).join(' ').trim()}`));
}
