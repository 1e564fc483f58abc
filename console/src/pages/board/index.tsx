/** All campaigns at a glance. */
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { keys } from '../../api/live';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { PageHeader } from '../../parts/page_header';
import { CampaignCard } from './campaign_card';
import css from './board.module.css';

export default function BoardPage() {
  const { t } = useTranslation('board');
  const campaigns = useQuery({ queryKey: keys.campaigns, queryFn: () => data(api.GET('/api/v1/campaigns')) });
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      {campaigns.isError && <ErrorState error={campaigns.error} onRetry={() => void campaigns.refetch()} />}
      {campaigns.data?.items.length === 0 && <EmptyState icon="campaigns" title={t('none')} text={t('noneText')} />}
      <div className={css.cards}>
        {campaigns.data?.items.map((campaign) => <CampaignCard key={campaign.id} campaign={campaign} />)}
      </div>
    </>
  );
}
