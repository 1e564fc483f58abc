import { afterEach, expect, it } from 'vitest';
import type { Page } from './client';
import { dispatch } from './events';
import { keepCachesLive, keys } from './live';
import { queryClient } from './query';

afterEach(() => queryClient.clear());

it('what was deleted elsewhere leaves its list, by its id or else by its name, and takes no other with it', () => {
  keepCachesLive();
  for (const key of [keys.agents, keys.campaigns, keys.trunks]) queryClient.setQueryData(key, { items: [{ id: 1, name: 'a' }, { id: 2, name: 'b' }], next: null });
  const names = (key: readonly string[]) => queryClient.getQueryData<Page<{ name: string }>>(key)?.items.map((one) => one.name);
  queryClient.setQueryData(keys.campaign('a'), { id: 1, name: 'a' });
  dispatch('agent.removed', '{"id":2,"name":"b"}');
  // A name that was given anew is another thing.
  dispatch('campaign.removed', '{"id":7,"name":"b"}');
  dispatch('campaign.removed', '{"id":1,"name":"a"}');
  dispatch('trunk.removed', '{"name":"a"}');
  expect([names(keys.agents), names(keys.campaigns), names(keys.trunks)]).toEqual([['a'], ['b'], ['b']]);
  expect(queryClient.getQueryState(keys.campaign('a'))?.isInvalidated).toBe(true);
});
