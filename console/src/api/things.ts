/** What several pages read: asked once, kept true by events (live.ts). */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, data } from './client';
import { keys } from './live';

/** Trunks have no event for each channel that is taken: their figures are asked for as often as somebody looks. */
const TRUNKS_EVERY_MS = 3_000;

export const useCampaigns = () => useQuery({ queryKey: keys.campaigns, queryFn: () => data(api.GET('/api/v1/campaigns')) });

export const useCampaign = (name: string) =>
  useQuery({ queryKey: keys.campaign(name), queryFn: () => data(api.GET('/api/v1/campaigns/{name}', { params: { path: { name } } })) });

export const useAgents = () => useQuery({ queryKey: keys.agents, queryFn: () => data(api.GET('/api/v1/agents')) });

export const useTrunks = () =>
  useQuery({ queryKey: keys.trunks, queryFn: () => data(api.GET('/api/v1/trunks')), refetchInterval: TRUNKS_EVERY_MS });

/** Counting the leads of large lists is work for the store: it is asked for now and then. */
const LISTS_EVERY_MS = 20_000;

export const useLists = () => useQuery({ queryKey: keys.lists, queryFn: () => data(api.GET('/api/v1/lists')), refetchInterval: LISTS_EVERY_MS });

/** Names of agents by their ids: records hold ids, which outlive a change of name. */
export function useAgentNames(): Map<number, string> {
  const agents = useAgents();
  return useMemo(() => new Map(agents.data?.items.map((agent) => [agent.id, agent.name])), [agents.data]);
}
