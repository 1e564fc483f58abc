/** A campaign's state, mode and abandon rate as the pages show them. */
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { compact, NONE, number, percent } from '../../parts/format';
import { Meter } from '../../parts/meter';
import type { CampaignSettings } from './settings';

type CampaignView = Thing<'CampaignView'>;

/** Leads that will not be dialled again, of all on the list. */
export function Progress({ list }: { list: Thing<'List'> | undefined }) {
  const { t } = useTranslation('campaigns');
  if (!list || list.leads === 0) return <>{NONE}</>;
  const done = (list.states.done ?? 0) + (list.states.blocked ?? 0);
  return <Meter part={done / list.leads}>{t('progressOf', { done: compact(done), all: compact(list.leads) })}</Meter>;
}

/** The window that is nearest to its limit. */
export function nearest(campaign: CampaignView): Thing<'WindowView'> | undefined {
  const share = (window: Thing<'WindowView'>) => (window.limit > 0 ? window.abandon_rate / window.limit : window.abandoned);
  return campaign.ledger.reduce<Thing<'WindowView'> | undefined>((worst, window) => (!worst || share(window) > share(worst) ? window : worst), undefined);
}

export function Rate({ campaign }: { campaign: CampaignView }) {
  const { t } = useTranslation('campaigns');
  const window = nearest(campaign);
  if (!window || window.connected + window.abandoned === 0) return <span>{t('rateNone')}</span>;
  const share = window.limit > 0 ? window.abandon_rate / window.limit : window.abandoned;
  return (
    <Meter part={share} tone={share > 1 ? 'bad' : share > 0.8 ? 'warn' : 'ok'}>
      {t('rateOf', { rate: percent(window.abandon_rate, 2), limit: percent(window.limit, 1) })}
    </Meter>
  );
}

export function Mode({ settings }: { settings: Partial<CampaignSettings> }) {
  const { t } = useTranslation('campaigns');
  const mode = settings.mode;
  if (mode === 'power') return <>{t('modes.powerOf', { ratio: number(settings.ratio ?? 1.5, 2) })}</>;
  return <>{mode ? t(`modes.${mode}`) : NONE}</>;
}
