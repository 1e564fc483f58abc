/** All agents: what they do, for how long, and their phones. */
import { ActionIcon, Button, Menu, Select } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { keys, putAgent } from '../../api/live';
import { useMay, useWho } from '../../api/login';
import { useAgents } from '../../api/things';
import { AGENT_STATES, AgentStateBadge } from '../../parts/agent_state';
import { Since } from '../../parts/clock';
import { ask } from '../../parts/confirm';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { Figure, Figures } from '../../parts/figure';
import { FilterLine, fits, Search } from '../../parts/filter';
import { NONE, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Meter } from '../../parts/meter';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { tellDone, tellProblem } from '../../parts/told';
import { AgentForm } from './form';

type AgentView = Thing<'AgentView'>;

export default function AgentsPage() {
  const { t } = useTranslation(['agents', 'common']);
  const mayMake = useMay('supervisor');
  const agents = useAgents();
  const [sought, setSought] = useState('');
  const [state, setState] = useState<string | null>(null);
  const [form, setForm] = useState<{ name: string | null } | null>(null);
  const all = agents.data?.items ?? [];
  const rows = all.filter((agent) => fits(sought, agent.name, ...agent.skills) && (state === null || agent.state === state));
  const make = <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setForm({ name: null })}>{t('new')}</Button>;

  const columns: Column<AgentView>[] = [
    { key: 'name', head: t('name'), width: 'minmax(130px, 1.2fr)', narrow: 'first', cell: (agent) => agent.name },
    { key: 'state', head: t('stateHead'), width: '130px', cell: (agent) => <AgentStateBadge state={agent.state} /> },
    { key: 'since', head: t('since'), width: '90px', align: 'right', cell: (agent) => <Since from_us={agent.since_us} /> },
    {
      key: 'phone',
      head: t('phone'),
      width: '110px',
      cell: (agent) => <StateBadge tone={agent.phone_up ? 'ok' : agent.state === 'logged_out' ? 'idle' : 'bad'}>{agent.phone_up ? t('phoneUp') : t('phoneDown')}</StateBadge>,
    },
    {
      key: 'call',
      head: t('call'),
      width: '110px',
      cell: (agent) => (agent.offer ? <Link className="op-link" to={`/campaigns/${encodeURIComponent(agent.offer.campaign)}`}>{t('looks', { campaign: agent.offer.campaign })}</Link> : agent.call == null ? NONE : <Link className="op-link" to={`/calls/${agent.call}`}>{t('callOf', { id: agent.call })}</Link>),
    },
    { key: 'occupancy', head: t('occupancy'), width: '160px', cell: (agent) => <Meter part={agent.occupancy}>{percent(agent.occupancy, 0)}</Meter> },
    { key: 'skills', head: t('skills'), cell: (agent) => agent.skills.join(', ') || NONE },
    { key: 'actions', head: t('actionsHead'), width: '84px', align: 'right', narrow: 'corner', cell: (agent) => <Actions agent={agent} onEdit={() => setForm({ name: agent.name })} /> },
  ];

  return (
    <>
      <PageHeader title={t('title')} text={t('text')} actions={mayMake && all.length > 0 && make} />
      {all.length > 0 && (
        <Panel className="op-gap-below">
          <Figures>
            {AGENT_STATES.map((one) => <Figure key={one} size="small" label={t(`common:agent.${one}`)} value={number(all.filter((agent) => agent.state === one).length)} />)}
          </Figures>
        </Panel>
      )}
      <Panel flush>
        {all.length > 0 && (
          <FilterLine>
            <Search label={t('search')} value={sought} onChange={setSought} />
            <Select
              aria-label={t('stateFilter')}
              placeholder={t('stateFilter')}
              clearable
              data={AGENT_STATES.map((one) => ({ value: one, label: t(`common:agent.${one}`) }))}
              value={state}
              onChange={setState}
            />
          </FilterLine>
        )}
        <DataTable
          label={t('title')}
          columns={columns}
          rows={rows}
          rowId={(agent) => agent.id}
          loading={agents.isPending}
          error={agents.error}
          onRetry={() => void agents.refetch()}
          empty={
            all.length === 0 ? (
              <EmptyState icon="agents" title={t('empty')} text={t('emptyText')} action={mayMake && make} />
            ) : (
              <EmptyState icon="search" title={t('noneFound')} text={t('noneFoundText')} action={<Button variant="default" onClick={() => { setSought(''); setState(null); }}>{t('clear')}</Button>} />
            )
          }
        />
      </Panel>
      {form && <AgentForm name={form.name} skills={[...new Set(all.flatMap((agent) => agent.skills))].sort()} onClose={() => setForm(null)} />}
    </>
  );
}

const WISHES = ['ready', 'on_break', 'logged_out'] as const;

function Actions({ agent, onEdit }: { agent: AgentView; onEdit: () => void }) {
  const { t } = useTranslation(['agents', 'common']);
  const cache = useQueryClient();
  const who = useWho();
  const may = { set: useMay('agent'), change: useMay('supervisor'), remove: useMay('admin') };
  const { name } = agent;
  // Who logs in as an agent answers for that agent alone.
  const maySet = may.set && (may.change || who.agent == null || who.agent === name);
  if (!maySet && !may.change) return null;
  const set = async (wish: (typeof WISHES)[number]) => {
    try {
      putAgent(await data(api.POST('/api/v1/agents/{name}/state', { params: { path: { name } }, body: { state: wish } })));
      tellDone(t(`set.done.${wish}`, { name }));
    } catch (problem) {
      tellProblem(problem);
    }
  };
  const remove = () =>
    ask({
      title: t('delete.title', { name }),
      text: t('delete.text'),
      verb: t('delete.verb'),
      danger: true,
      run: async () => {
        await api.DELETE('/api/v1/agents/{name}', { params: { path: { name } } });
        await cache.invalidateQueries({ queryKey: keys.agents });
        tellDone(t('delete.done', { name }));
      },
    });
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('actions', { name })}><Icon name="more" /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {maySet && <Menu.Label>{t('set.label')}</Menu.Label>}
        {maySet && WISHES.map((wish) => <Menu.Item key={wish} disabled={agent.state === wish} onClick={() => void set(wish)}>{t(`set.${wish}`)}</Menu.Item>)}
        {maySet && may.change && <Menu.Divider />}
        {may.change && <Menu.Item leftSection={<Icon name="edit" size={16} />} onClick={onEdit}>{t('common:action.edit')}</Menu.Item>}
        {may.remove && <Menu.Item leftSection={<Icon name="trash" size={16} />} onClick={remove}>{t('common:action.delete')}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
