/** A campaign's state, and starting, pausing and stopping it. Starting and stopping ask first; a pause can be undone. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../api/client';
import { putCampaign } from '../api/live';
import { ask } from './confirm';
import { Icon } from './icons';
import { StateBadge, type Tone } from './state_badge';
import { tellDone, tellProblem } from './told';

const TONES: Record<string, Tone> = { running: 'ok', paused: 'warn', stopped: 'idle', finished: 'accent' };
const STATES = ['running', 'paused', 'stopped', 'finished'] as const;

export function CampaignState({ state }: { state: string }) {
  const { t } = useTranslation();
  const known = STATES.find((one) => one === state);
  return <StateBadge tone={TONES[state] ?? 'idle'} pulse={state === 'running'}>{known ? t(`campaign.state.${known}`) : state}</StateBadge>;
}

type Drive = 'start' | 'pause' | 'stop';

async function drive(name: string, what: Drive): Promise<void> {
  const path = { params: { path: { name } } };
  const requests = {
    start: () => api.POST('/api/v1/campaigns/{name}/start', path),
    pause: () => api.POST('/api/v1/campaigns/{name}/pause', path),
    stop: () => api.POST('/api/v1/campaigns/{name}/stop', path),
  };
  putCampaign(await data(requests[what]()));
}

export function CampaignControl({ campaign, size }: { campaign: Pick<Thing<'CampaignView'>, 'name' | 'state' | 'list'>; size?: 'xs' | 'sm' }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const { name, state, list } = campaign;
  const start = () =>
    ask({
      title: t(state === 'paused' ? 'campaign.resumeTitle' : 'campaign.startTitle', { name }),
      text: t(state === 'paused' ? 'campaign.resumeText' : 'campaign.startText', { list }),
      verb: t(state === 'paused' ? 'campaign.resume' : 'campaign.start'),
      run: async () => {
        await drive(name, 'start');
        tellDone(t('campaign.started', { name }));
      },
    });
  const pause = async () => {
    setBusy(true);
    try {
      await drive(name, 'pause');
      tellDone(t('campaign.pausedNow', { name }), { text: t('campaign.resume'), run: () => void drive(name, 'start').catch(tellProblem) });
    } catch (problem) {
      tellProblem(problem);
    }
    setBusy(false);
  };
  const stop = () =>
    ask({
      title: t('campaign.stopTitle', { name }),
      text: t('campaign.stopText'),
      verb: t('campaign.stop'),
      danger: true,
      run: async () => {
        await drive(name, 'stop');
        tellDone(t('campaign.stoppedNow', { name }));
      },
    });
  return (
    <>
      {state !== 'running' && (
        <Button size={size} leftSection={<Icon name="play" size={16} />} onClick={start}>{t(state === 'paused' ? 'campaign.resume' : 'campaign.start')}</Button>
      )}
      {state === 'running' && (
        <Button size={size} variant="default" leftSection={<Icon name="pause" size={16} />} loading={busy} onClick={() => void pause()}>{t('campaign.pause')}</Button>
      )}
      {(state === 'running' || state === 'paused') && (
        <Button size={size} variant="default" leftSection={<Icon name="stop" size={16} />} onClick={stop}>{t('campaign.stop')}</Button>
      )}
    </>
  );
}
