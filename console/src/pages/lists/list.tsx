/** One list: its leads with their dial states, and its imports. */
import { Button, Group, Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { api } from '../../api/client';
import { keys } from '../../api/live';
import { useMay } from '../../api/login';
import { Problem } from '../../api/problem';
import { queryClient } from '../../api/query';
import { ConfirmButton } from '../../parts/confirm';
import { ErrorState } from '../../parts/error_state';
import { dateTime, number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StackBar } from '../../parts/stack_bar';
import { tellDone } from '../../parts/told';
import { useFilters } from '../../parts/use_filters';
import { useWords } from '../../parts/words';
import { underWay, useImports, useList } from './api';
import { ImportsTable } from './imports_table';
import { Leads } from './leads';
import { leadShares } from './shares';

const VIEW = ['view'] as const;

export default function List() {
  const { t } = useTranslation(['lists', 'common']);
  const word = useWords();
  const navigate = useNavigate();
  const name = useParams().name ?? '';
  const supervisor = useMay('supervisor');
  const [{ view }, change] = useFilters(VIEW);
  const list = useList(name);
  const imports = useImports();
  const own = (imports.data?.items ?? []).filter((item) => item.list === name);
  const running = own.find(underWay);
  const here = `/lists/${encodeURIComponent(name)}`;
  const back = { to: '/lists', text: t('lists:title') };

  // Deleted meanwhile is gone; another refusal takes nothing away that is here.
  if (list.error && (!list.data || (list.error instanceof Problem && list.error.code === 404))) {
    return (
      <>
        <PageHeader title={name} back={back} />
        <Panel><ErrorState error={list.error} onRetry={() => void list.refetch()} /></Panel>
      </>
    );
  }
  const remove = {
    title: t('lists:deleteTitle', { name }),
    text: t('lists:deleteText'),
    verb: t('lists:deleteVerb'),
    danger: true,
    run: async () => {
      await api.DELETE('/api/v1/lists/{name}', { params: { path: { name } } });
      queryClient.removeQueries({ queryKey: keys.list(name) });
      void queryClient.invalidateQueries({ queryKey: keys.lists });
      tellDone(t('lists:deleted', { name }));
      await navigate('/lists');
    },
  };
  return (
    <>
      <PageHeader
        title={name}
        back={back}
        text={list.data && t('lists:madeAt', { at: dateTime(list.data.created_us) })}
        actions={supervisor && (
          <>
            <ConfirmButton variant="default" leftSection={<Icon name="trash" size={16} />} question={remove}>{t('common:action.delete')}</ConfirmButton>
            <Button component={Link} to={running ? `${here}/import?import=${running.id}` : `${here}/import`} leftSection={<Icon name="upload" size={16} />}>
              {running ? t('lists:seeImport') : t('lists:import')}
            </Button>
          </>
        )}
      />
      {list.data && list.data.leads > 0 && (
        <Panel title={t('lists:leadCount', { count: list.data.leads, shown: number(list.data.leads) })}>
          <StackBar label={t('lists:states')} segments={leadShares(list.data.states, word)} />
        </Panel>
      )}
      <Tabs value={view === 'imports' || !supervisor ? 'imports' : 'leads'} onChange={(value) => change({ view: value === 'imports' ? 'imports' : '' })} mt="md" keepMounted={false}>
        <Tabs.List mb="md">
          {supervisor && <Tabs.Tab value="leads">{t('lists:leads')}</Tabs.Tab>}
          <Tabs.Tab value="imports">{t('lists:imports')}</Tabs.Tab>
        </Tabs.List>
        {supervisor && (
          <Tabs.Panel value="leads">
            <Leads
              list={name}
              empty={<Group gap="sm" justify="center"><Button component={Link} to={`${here}/import`} leftSection={<Icon name="upload" size={16} />}>{t('lists:import')}</Button></Group>}
            />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="imports">
          <ImportsTable list={name} items={own} loading={imports.isPending} error={imports.error} onRetry={() => void imports.refetch()} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
