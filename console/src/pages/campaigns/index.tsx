/** All campaigns: state, how far they are, how near to their limit. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import type { Thing } from '../../api/client';
import { useMay } from '../../api/login';
import { useCampaigns, useLists } from '../../api/things';
import { CampaignState } from '../../parts/campaign_control';
import { DataTable, type Column } from '../../parts/data_table';
import { EmptyState } from '../../parts/empty_state';
import { FilterLine, fits, Search } from '../../parts/filter';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { settingsOf } from './settings';
import { Mode, Progress, Rate } from './words';

type CampaignView = Thing<'CampaignView'>;

export default function CampaignsPage() {
  const { t } = useTranslation(['campaigns', 'common']);
  const go = useNavigate();
  const mayMake = useMay('supervisor');
  const campaigns = useCampaigns();
  const lists = useLists();
  const [sought, setSought] = useState('');
  const all = campaigns.data?.items ?? [];
  const rows = all.filter((campaign) => fits(sought, campaign.name, campaign.list, settingsOf(campaign).trunk));
  const make = <Button component={Link} to="/campaigns/new" leftSection={<Icon name="plus" size={16} />}>{t('new')}</Button>;

  const columns: Column<CampaignView>[] = [
    {
      key: 'name',
      head: t('name'),
      width: 'minmax(150px, 1.5fr)',
      narrow: 'first',
      cell: (campaign) => <Link className="op-link" to={`/campaigns/${encodeURIComponent(campaign.name)}`}>{campaign.name}</Link>,
    },
    { key: 'state', head: t('stateHead'), width: '110px', cell: (campaign) => <CampaignState state={campaign.state} /> },
    { key: 'list', head: t('list'), cell: (campaign) => campaign.list },
    { key: 'trunk', head: t('trunk'), cell: (campaign) => settingsOf(campaign).trunk },
    { key: 'mode', head: t('mode'), width: '110px', cell: (campaign) => <Mode settings={settingsOf(campaign)} /> },
    { key: 'progress', head: t('progress'), width: 'minmax(170px, 1fr)', cell: (campaign) => <Progress list={lists.data?.items.find((list) => list.name === campaign.list)} /> },
    { key: 'rate', head: t('rate'), width: 'minmax(200px, 1fr)', cell: (campaign) => <Rate campaign={campaign} /> },
  ];

  return (
    <>
      <PageHeader title={t('title')} text={t('text')} actions={mayMake && <><Button component={Link} to="/callbacks" variant="default" leftSection={<Icon name="clock" size={16} />}>{t('callbacks')}</Button>{all.length > 0 && make}</>} />
      <Panel flush>
        {all.length > 0 && (
          <FilterLine>
            <Search label={t('search')} value={sought} onChange={setSought} />
          </FilterLine>
        )}
        <DataTable
          label={t('title')}
          columns={columns}
          rows={rows}
          rowId={(campaign) => campaign.id}
          onOpen={(campaign) => void go(`/campaigns/${encodeURIComponent(campaign.name)}`)}
          loading={campaigns.isPending}
          error={campaigns.error}
          onRetry={() => void campaigns.refetch()}
          empty={
            all.length === 0 ? (
              <EmptyState icon="campaigns" title={t('empty')} text={mayMake ? t('emptyText') : t('emptyTextRead')} action={mayMake && make} />
            ) : (
              <EmptyState icon="search" title={t('noneFound')} text={t('noneFoundText')} action={<Button variant="default" onClick={() => setSought('')}>{t('clear')}</Button>} />
            )
          }
        />
      </Panel>
    </>
  );
}
