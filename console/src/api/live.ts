/** Keeps the query caches true while events come: what an event shows whole is put in place, the rest is read anew. */
import type { Page, Thing } from './client';
import { listen } from './events';
import { queryClient } from './query';

/** Names of queries. A page uses these, so that events and changes find what they concern. */
export const keys = {
  campaigns: ['campaigns'] as const,
  campaign: (name: string) => ['campaign', name] as const,
  agents: ['agents'] as const,
  agent: (name: string) => ['agent', name] as const,
  trunks: ['trunks'] as const,
  calls: ['calls'] as const,
  call: (id: number) => ['call', id] as const,
  lists: ['lists'] as const,
  list: (name: string) => ['list', name] as const,
  imports: ['imports'] as const,
  import: (id: number) => ['import', id] as const,
  simulations: ['simulations'] as const,
  simulation: (id: number) => ['simulation', id] as const,
};

function inPage<T extends { id: number }>(page: Page<T> | undefined, item: T): Page<T> | undefined {
  if (!page) return page;
  const at = page.items.findIndex((one) => one.id === item.id);
  const items = at < 0 ? [...page.items, item] : page.items.with(at, item);
  return { ...page, items };
}

/** Puts a campaign as the server shows it into the caches. */
export function putCampaign(campaign: Thing<'CampaignView'>): void {
  queryClient.setQueryData<Thing<'CampaignView'>>(keys.campaign(campaign.name), (old) => old && campaign);
  queryClient.setQueryData<Page<Thing<'CampaignView'>>>(keys.campaigns, (page) => inPage(page, campaign));
}

/** Puts an agent as the server shows it into the caches. */
export function putAgent(agent: Thing<'AgentView'>): void {
  queryClient.setQueryData<Thing<'AgentView'>>(keys.agent(agent.name), (old) => old && { ...old, ...agent });
  queryClient.setQueryData<Page<Thing<'AgentView'>>>(keys.agents, (page) => inPage(page, agent));
}

/** Puts an import as the server shows it into the caches; at its end the list has other leads. */
export function putImport(item: Thing<'Import'>): void {
  queryClient.setQueryData<Thing<'Import'>>(keys.import(item.id), (old) => old && item);
  queryClient.setQueryData<Page<Thing<'Import'>>>(keys.imports, (page) => {
    // The latest come first.
    if (!page || page.items.some((one) => one.id === item.id)) return inPage(page, item);
    return { ...page, items: [item, ...page.items] };
  });
  if (item.state === 'running') return;
  void queryClient.invalidateQueries({ queryKey: keys.lists });
  if (item.list) void queryClient.invalidateQueries({ queryKey: keys.list(item.list) });
}

/** What an event says of a thing that was deleted. */
interface Removed {
  id?: number;
  name: string;
}

/** Takes what was deleted out of its list; a page that shows it asks again, and says that it is gone. */
function takeOut(list: readonly string[], one: readonly string[] | null, gone: Removed): void {
  queryClient.setQueryData<Page<{ id: number; name: string }>>(list, (page) => page && { ...page, items: page.items.filter((item) => (gone.id === undefined ? item.name !== gone.name : item.id !== gone.id)) });
  if (one) void queryClient.invalidateQueries({ queryKey: one });
}

/** Begins to listen; once, at the start of the console. */
export function keepCachesLive(): void {
  listen('agent.*', (agent, kind) => {
    if (kind === 'agent.removed') takeOut(keys.agents, keys.agent((agent as Removed).name), agent as Removed);
    else putAgent(agent as Thing<'AgentView'>);
  });
  listen('campaign.*', (campaign, kind) => {
    if (kind === 'campaign.removed') takeOut(keys.campaigns, keys.campaign((campaign as Removed).name), campaign as Removed);
    else putCampaign(campaign as Thing<'CampaignView'>);
  });
  listen('trunk.removed', (trunk) => takeOut(keys.trunks, null, trunk as Removed));
  listen('import.*', (item) => putImport(item as Thing<'Import'>));
  listen('reset', () => void queryClient.invalidateQueries());
}
