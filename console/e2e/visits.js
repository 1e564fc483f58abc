// Every page of the console: where it is, and how one sees that it stands there whole. axe.test.js and screens.js walk
// them; a new page is added here. `path` may look around in the running demo.

/** What the demo has, asked over the page's own login. */
async function first(page, path) {
  return page.evaluate(async (from) => {
    const response = await fetch(new URL(from, document.baseURI));
    return ((await response.json()).items ?? [])[0];
  }, path);
}

const campaign = async (page) => encodeURIComponent((await first(page, 'api/v1/campaigns')).name);

export const visits = [
  { name: 'board', path: '/board', ready: (page) => page.getByRole('article').first().waitFor() },
  { name: 'board-wall', path: '/board?wall=1', ready: (page) => page.getByRole('article').first().waitFor() },
  { name: 'board-campaign', path: async (page) => `/board/${await campaign(page)}`, ready: (page) => page.getByRole('heading', { name: 'Abandon limit' }).waitFor() },
  { name: 'calls', path: '/calls', ready: (page) => page.getByRole('grid').or(page.getByText('No call is under way')).first().waitFor() },
  {
    name: 'call',
    path: async (page) => {
      // A demo between two calls has none for a moment.
      for (let tries = 0; tries < 100; tries += 1) {
        const call = await first(page, 'api/v1/calls');
        if (call) return `/calls/${call.id}`;
        await page.waitForTimeout(200);
      }
      throw new Error('no call came');
    },
    ready: (page) => page.getByRole('heading', { name: 'What happened' }).or(page.getByText('This call is over')).first().waitFor(),
  },
];

/** Goes to a page inside of the console and waits until it stands. */
export async function visit(page, base, { path, ready }) {
  const where = typeof path === 'string' ? path : await path(page);
  await page.goto(`${base}${where}`);
  await ready(page);
}
