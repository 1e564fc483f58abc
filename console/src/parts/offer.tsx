/** The lead that an agent looks at before it is dialled: who it is, how long there is to decide, and both decisions. */
import { Button, Group, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../api/client';
import { putAgent } from '../api/live';
import { useWho } from '../api/login';
import { useAgents } from '../api/things';
import { useNow_ms } from './clock';
import { ErrorNote } from './error_state';
import { clock, NONE, timeThere } from './format';
import css from './offer.module.css';
import { Pairs } from './pairs';
import { Panel } from './panel';
import { tellDone, tellProblem } from './told';

type Offer = Thing<'OfferView'>;

/** What the server takes. */
const REASON_MAX = 100;
const AGAIN_MS = 500;

/** The card of whoever is logged in as an agent; nothing while no lead is shown. */
export default function OwnOffer() {
  const { agent } = useWho();
  const agents = useAgents();
  const own = agents.data?.items.find((one) => one.name === agent);
  return own?.offer ? <OfferCard key={own.offer.lead} agent={own.name} offer={own.offer} /> : null;
}

function OfferCard({ agent, offer }: { agent: string; offer: Offer }) {
  const { t } = useTranslation();
  const left_ms = Math.max(0, offer.until_us / 1_000 - useNow_ms());
  const [reason, setReason] = useState('');
  const [skipping, setSkipping] = useState(false);
  const [busy, setBusy] = useState(false);
  const path = { name: agent };
  const shown = useQuery({
    queryKey: ['offer', agent, offer.lead],
    queryFn: () => data(api.GET('/api/v1/agents/{name}/preview', { params: { path } })),
    // The event of an offer may be here before the screen that it belongs to.
    refetchInterval: (query) => (query.state.data?.lead?.id === offer.lead ? false : AGAIN_MS),
  });
  // Nobody is shown as somebody else.
  const lead = shown.data?.lead?.id === offer.lead ? shown.data.lead : undefined;
  // The phone's owner may look elsewhere: the title says that somebody waits.
  useEffect(() => {
    const before = document.title;
    document.title = t('offer.tab', { title: before });
    return () => void (document.title = before);
  }, [t]);
  const decide = async (body: { action: 'accept' } | { action: 'skip'; reason: string }) => {
    setBusy(true);
    try {
      const { how, agent: now } = await data(api.POST('/api/v1/agents/{name}/preview', { params: { path }, body: { ...body, lead: offer.lead } }));
      putAgent(now);
      if (how === 'withdrawn') tellDone(t('offer.withdrawn'));
    } catch (problem) {
      tellProblem(problem);
      setBusy(false);
    }
  };
  const name = [lead?.first_name, lead?.last_name].filter(Boolean).join(' ');
  const there = lead?.timezone ? timeThere(Date.now() * 1_000, lead.timezone) : null;
  return (
    <Panel title={t('offer.title', { campaign: offer.campaign })} aside={<span role="timer">{t(offer.then === 'dial' ? 'offer.thenDial' : 'offer.thenSkip', { time: clock(left_ms) })}</span>} className={css.card}>
      <div className={css.name} role="status">{name || lead?.number || t('offer.reading')}</div>
      {!lead && <ErrorNote error={shown.error} />}
      {lead && (
        <Pairs
          of={[
            [t('offer.number'), lead.number],
            [t('offer.there'), there],
            [t('offer.attempts'), lead.attempts === 0 ? t('offer.first') : String(lead.attempts)],
            [t('offer.list'), lead.list ?? NONE],
          ]}
        />
      )}
      {skipping ? (
        <form
          className={css.skip}
          onSubmit={(event) => {
            event.preventDefault();
            if (reason.trim() !== '') void decide({ action: 'skip', reason: reason.trim() });
          }}
        >
          <TextInput label={t('offer.reason')} maxLength={REASON_MAX} data-autofocus autoFocus value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          <Group gap="sm">
            <Button type="submit" loading={busy} disabled={reason.trim() === ''}>{t('offer.skip')}</Button>
            <Button variant="default" onClick={() => setSkipping(false)}>{t('action.cancel')}</Button>
          </Group>
        </form>
      ) : (
        <Group gap="sm" mt="md">
          <Button loading={busy} onClick={() => void decide({ action: 'accept' })}>{t('offer.accept')}</Button>
          <Button variant="default" disabled={busy} onClick={() => setSkipping(true)}>{t('offer.skipAsk')}</Button>
        </Group>
      )}
    </Panel>
  );
}
