/** A new campaign. */
import { Alert, Anchor, Button } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { api, data } from '../../api/client';
import { putCampaign } from '../../api/live';
import { useAgents, useLists, useTrunks } from '../../api/things';
import { ErrorNote } from '../../parts/error_state';
import { FormBar } from '../../parts/form_section';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone } from '../../parts/told';
import { SETTLED, useUnsaved } from '../../parts/unsaved';
import { useSaving } from '../../parts/use_saving';
import { CampaignFields } from './fields';
import { CAMPAIGN_KEYS, NEW_CAMPAIGN, toSettings, type CampaignValues } from './settings';

export default function NewCampaignPage() {
  const { t } = useTranslation(['campaigns', 'common']);
  const go = useNavigate();
  const [lists, trunks, agents] = [useLists(), useTrunks(), useAgents()];
  const form = useForm<CampaignValues>({ initialValues: NEW_CAMPAIGN });
  const saving = useSaving(form, CAMPAIGN_KEYS);
  useUnsaved(form.isDirty());
  const noTrunk = trunks.data?.items.length === 0;
  const noList = lists.data?.items.length === 0;

  const make = form.onSubmit((values) =>
    saving.save(async () => {
      const campaign = await data(api.POST('/api/v1/campaigns', { body: toSettings(values) }));
      putCampaign(campaign);
      tellDone(t('make.done', { name: campaign.name }));
      await go(`/campaigns/${encodeURIComponent(campaign.name)}`, { state: SETTLED });
    }),
  );

  return (
    <>
      <PageHeader title={t('make.title')} text={t('make.text')} back={{ to: '/campaigns', text: t('detail.back') }} />
      {(noTrunk || noList) && (
        <Alert color="yellow" variant="outline" mb="md" icon={<Icon name="warn" />} title={t('make.waitTitle')}>
          {noTrunk && <div>{t('make.noTrunk')} <Anchor component={Link} to="/trunks">{t('make.toTrunks')}</Anchor></div>}
          {noList && <div>{t('make.noList')} <Anchor component={Link} to="/lists">{t('make.toLists')}</Anchor></div>}
        </Alert>
      )}
      <Panel>
        <form onSubmit={(event) => void make(event)} noValidate>
          <CampaignFields form={form} choices={{ lists: lists.data?.items ?? [], trunks: trunks.data?.items ?? [], agents: agents.data?.items ?? [] }} />
          <ErrorNote error={saving.error} faults={saving.rest} />
          <FormBar>
            <Button component={Link} to="/campaigns" variant="default">{t('common:action.cancel')}</Button>
            <Button type="submit" loading={saving.busy}>{t('make.verb')}</Button>
          </FormBar>
        </form>
      </Panel>
    </>
  );
}
