/** A trunk's state as the pages show it. */
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { number } from '../../parts/format';
import { Meter } from '../../parts/meter';
import { StateBadge } from '../../parts/state_badge';

type TrunkView = Thing<'TrunkView'>;

/** From here on a trunk is nearly full. */
const NEARLY_FULL = 0.9;

export function Up({ trunk }: { trunk: TrunkView }) {
  const { t } = useTranslation('trunks');
  if (trunk.up == null) return <StateBadge tone="idle">{t('state.unknown')}</StateBadge>;
  return <StateBadge tone={trunk.up ? 'ok' : 'bad'}>{trunk.up ? t('state.up') : t('state.down')}</StateBadge>;
}

export function Registered({ trunk }: { trunk: TrunkView }) {
  const { t } = useTranslation('trunks');
  if (trunk.registered == null) return <>{t('registration.none')}</>;
  return <StateBadge tone={trunk.registered ? 'ok' : 'bad'}>{trunk.registered ? t('registration.yes') : t('registration.no')}</StateBadge>;
}

export function Channels({ trunk }: { trunk: TrunkView }) {
  const { t } = useTranslation('trunks');
  const part = trunk.channels_max > 0 ? trunk.channels / trunk.channels_max : 0;
  return <Meter part={part} tone={part >= NEARLY_FULL ? 'warn' : 'accent'}>{t('channelsOf', { used: number(trunk.channels), all: number(trunk.channels_max) })}</Meter>;
}
