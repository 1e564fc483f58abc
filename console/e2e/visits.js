// Every page of the console: where it is, and how one sees that it stands there whole. axe.test.js and screens.js walk
// them; a new page is added here. `path` may look around in the running demo.

/** What the demo has, asked over the page's own login. */
async function first(page, path) {
  return page.evaluate(async (from) => {
    const response = await fetch(new URL(from, document.baseURI));
    return ((await response.json()).items ?? [])[0];
  }, path);
}

const named = async (page, things) => encodeURIComponent((await first(page, `api/v1/${things}`)).name);
const campaign = (page) => named(page, 'campaigns');
const heading = (name) => (page) => page.getByRole('heading', { name }).first().waitFor();
const rows = (page) => page.getByRole('grid').getByRole('row').nth(1).waitFor();

/** The first of a list that is empty for a while after the start. */
async function awaited(page, path) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await first(page, path);
    if (found) return found;
    await page.waitForTimeout(200);
  }
  throw new Error(`nothing came at ${path}`);
}

/** A file of which some rows are bad, onto a list of its own; gives the address of the import. */
async function imported(page) {
  const id = await page.evaluate(async () => {
    const post = (path, type, body) => fetch(new URL(path, document.baseURI), { method: 'POST', headers: { 'Content-Type': type, 'X-Outpace-Console': '1' }, body });
    // Asked first: a refusal would stand in the browser's log as a fault.
    const lists = await (await fetch(new URL('api/v1/lists', document.baseURI))).json();
    if (!lists.items.some((list) => list.name === 'walk')) await post('api/v1/lists', 'application/json', '{"name": "walk"}');
    const answer = await post('api/v1/lists/walk/import?file_name=walk.csv', 'text/csv', 'phone,first_name\n+12125550177,Ann\n12,Short\n4.9E+11,Excel\n');
    return (await answer.json()).import;
  });
  return `/lists/walk/import?import=${id}`;
}

/** A question about a made-up day, answered; the address of its answer. */
async function answered(page) {
  const [name, id] = await page.evaluate(async () => {
    const get = async (path) => (await fetch(new URL(path, document.baseURI))).json();
    const { name } = (await get('api/v1/campaigns')).items[0];
    const known = (await get('api/v1/simulations')).items.find((one) => one.campaign === name && one.state === 'done');
    if (known) return [name, known.id];
    const body = JSON.stringify({ campaign: name, base: true, limit: 0.015, more_agents: 2, days: 8 });
    const begun = await (await fetch(new URL('api/v1/simulations', document.baseURI), { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Outpace-Console': '1' }, body })).json();
    while (['waiting', 'running'].includes((await get(`api/v1/simulations/${begun.id}`)).state)) await new Promise((resolve) => setTimeout(resolve, 300));
    return [name, begun.id];
  });
  return `/campaigns/${encodeURIComponent(name)}/whatif?day=base&run=${id}`;
}

const COLUMNS = { name: 'leads.csv', mimeType: 'text/csv', buffer: Buffer.from('Telefon;Vorname;Ort\n+12125550178;Ann;Ulm\n12;Tom;Bonn\n') };

export const visits = [
  { name: 'board', path: '/board', ready: (page) => page.getByRole('article').first().waitFor() },
  { name: 'board-wall', path: '/board?wall=1', ready: (page) => page.getByRole('article').first().waitFor() },
  { name: 'board-campaign', path: async (page) => `/board/${await campaign(page)}`, ready: (page) => page.getByRole('heading', { name: 'Abandon limit' }).waitFor() },
  { name: 'calls', path: '/calls', ready: (page) => page.getByRole('grid').or(page.getByText('No call is under way')).first().waitFor() },
  {
    name: 'call',
    // It may end between two questions, which the browser notes.
    allowed: /\/api\/v1\/(calls|cdrs)\/\d+/,
    // A demo between two calls has none for a moment.
    path: async (page) => `/calls/${(await awaited(page, 'api/v1/calls')).id}`,
    ready: (page) => page.getByRole('heading', { name: 'What happened' }).or(page.getByText('This call is over')).first().waitFor(),
  },
  { name: 'lists', path: '/lists', ready: (page) => page.getByRole('grid', { name: 'Lists' }).waitFor() },
  { name: 'list', path: async (page) => `/lists/${(await first(page, 'api/v1/lists')).name}`, ready: (page) => page.getByRole('grid', { name: 'Leads' }).waitFor() },
  { name: 'list-imports', path: async (page) => `${(await imported(page)).split('/import')[0]}?view=imports`, ready: (page) => page.getByRole('grid', { name: 'Imports' }).waitFor() },
  { name: 'import', path: '/lists/walk/import', ready: (page) => page.getByText('Choose a CSV file').waitFor() },
  {
    name: 'import-columns',
    path: '/lists/walk/import',
    ready: async (page) => {
      await page.locator('input[type=file]').setInputFiles(COLUMNS);
      await page.getByText('too few digits').waitFor();
    },
  },
  { name: 'import-done', path: imported, ready: (page) => page.getByRole('grid', { name: 'Rows that were not taken' }).waitFor() },
  { name: 'number-lists', path: '/number-lists', ready: (page) => page.getByText('No such list is loaded').or(page.getByRole('grid')).first().waitFor() },
  { name: 'marked-numbers', path: '/marked-numbers', ready: (page) => page.getByText('No number is marked').or(page.getByRole('grid')).first().waitFor() },
  { name: 'contacts', path: '/contacts', ready: (page) => page.getByRole('grid', { name: 'Contacts' }).waitFor() },
  {
    name: 'contact',
    // One with a story: the one that was dialled first.
    path: async (page) => {
      const { number } = await awaited(page, 'api/v1/attempts?limit=1');
      return `/contacts/${(await first(page, `api/v1/contacts?search=${encodeURIComponent(number)}`)).id}`;
    },
    ready: async (page) => {
      await page.locator('details summary').first().click();
      await page.getByRole('heading', { name: 'What allowed it' }).first().waitFor();
    },
  },
  { name: 'results', path: '/results', ready: (page) => page.getByRole('grid', { name: 'Attempts' }).waitFor() },
  {
    name: 'results-attempt',
    path: async (page) => `/results?open=${(await awaited(page, 'api/v1/attempts?limit=1')).id}`,
    ready: (page) => page.getByRole('heading', { name: 'Why it was made' }).waitFor(),
  },
  {
    name: 'results-call',
    path: async (page) => `/results?tab=calls&open=${(await awaited(page, 'api/v1/cdrs?limit=1')).id}`,
    ready: (page) => page.getByRole('heading', { name: 'What happened' }).waitFor(),
  },
  { name: 'report', path: async (page) => `/reports/${await campaign(page)}`, ready: (page) => page.getByRole('heading', { name: 'Outcomes' }).waitFor() },
  { name: 'campaigns', path: '/campaigns', ready: rows },
  { name: 'callbacks', path: '/callbacks', ready: (page) => page.getByText('No call is promised').or(page.getByRole('grid')).first().waitFor() },
  { name: 'campaign-new', path: '/campaigns/new', ready: heading('What is dialled') },
  { name: 'campaign', path: async (page) => `/campaigns/${await campaign(page)}`, ready: heading('What is dialled') },
  { name: 'whatif', path: async (page) => `/campaigns/${await campaign(page)}/whatif`, ready: (page) => page.getByRole('button', { name: 'Try it' }).waitFor() },
  { name: 'whatif-answer', path: answered, ready: (page) => page.getByRole('heading', { name: 'Each figure' }).waitFor() },
  {
    name: 'why',
    path: async (page) => `/campaigns/${await campaign(page)}/why`,
    ready: async (page) => {
      await page.getByRole('grid', { name: 'Decisions' }).waitFor();
      await page.getByRole('heading', { name: 'Do its forecasts come true?' }).waitFor();
    },
  },
  {
    name: 'detection',
    path: async (page) => {
      await awaited(page, 'api/v1/amd/queue');
      return `/campaigns/${await campaign(page)}/detection`;
    },
    ready: async (page) => {
      await page.getByRole('heading', { name: 'Day by day' }).waitFor();
      await page.getByText('Its word counts').waitFor();
    },
  },
  {
    name: 'listening',
    path: async (page) => {
      await awaited(page, 'api/v1/amd/queue?verdict=machine');
      return '/listening?verdict=machine';
    },
    ready: (page) => page.getByRole('img', { name: /^Machine at/ }).or(page.getByText('there is nothing to draw')).first().waitFor(),
  },
  { name: 'agents', path: '/agents', ready: rows },
  { name: 'trunks', path: '/trunks', ready: rows },
  { name: 'trunk-new', path: '/trunks/new', ready: heading('Where it is') },
  { name: 'trunk', path: async (page) => `/trunks/${await named(page, 'trunks')}`, ready: heading('Where it is') },
  { name: 'routes', path: '/routes', ready: (page) => page.getByText('No route yet').or(page.getByLabel('Called')).first().waitFor() },
  { name: 'accounts', path: '/tokens', ready: (page) => page.getByText('No account yet').or(page.getByRole('grid')).first().waitFor() },
  { name: 'tokens', path: '/tokens?tab=tokens', ready: rows },
  { name: 'settings', path: '/settings', ready: heading('Server') },
  { name: 'health', path: '/health', ready: heading('Checks') },
  { name: 'audit', path: '/audit', ready: rows },
  { name: 'account', path: '/account', ready: rows },
];

/** Goes to a page inside of the console and waits until it stands. */
export async function visit(page, base, { path, ready }) {
  const where = typeof path === 'string' ? path : await path(page);
  await page.goto(`${base}${where}`);
  await ready(page);
}
