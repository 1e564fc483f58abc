/**
 * Who was on the call: asked of the agent while it lasts and after it, until the next one. What agents say here is how it
 * is known how often answer detection is wrong.
 *
 * ```text
 *   agent.call (events) ──> GET calls/ID: its attempt ──> this card ──> POST attempts/ID/disposition
 * ```
 */
import { Button, Group, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../api/client';
import { onLeave, useWho } from '../api/login';
import { createStore, useStore } from '../api/store';
import { useAgents } from '../api/things';
import { ErrorNote } from './error_state';
import { Icon } from './icons';
import css from './offer.module.css';
import { Panel } from './panel';
import { ANSWERED, useWords, type Answered } from './words';

/** What the server takes. */
const CODE_MAX = 64;

interface OwnCall {
  call: number;
  attempt: number;
  number: string;
  campaign: string;
  said: Answered | null;
}

/** The last call of a campaign, kept while one looks at other pages. */
const last = createStore<OwnCall | null>(null);
onLeave(() => last.set(null));

/** The card of whoever is logged in as an agent; nothing before the first call. */
export default function OwnCallCard() {
  const { agent } = useWho();
  const agents = useAgents();
  const own = agents.data?.items.find((one) => one.name === agent);
  const kept = useStore(last);
  const id = own?.call ?? null;
  useEffect(() => {
    if (id === null || last.get()?.call === id) return;
    let gone = false;
    const take = (call: Thing<'CallDetail'>) => {
      if (gone || call.attempt == null || call.campaign == null) return;
      last.set({ call: id, attempt: call.attempt, number: call.to, campaign: call.campaign, said: null });
    };
    // One that has just ended is not asked about: nobody was heard.
    data(api.GET('/api/v1/calls/{id}', { params: { path: { id } } })).then(take, () => {});
    return () => {
      gone = true;
    };
  }, [id]);
  return own && kept ? <Card key={kept.attempt} agent={own.name} call={kept} /> : null;
}

function Card({ agent, call }: { agent: string; call: OwnCall }) {
  const { t } = useTranslation('own_call');
  const word = useWords();
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState<Answered | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const say = async (answered: Answered) => {
    setBusy(answered);
    setProblem(null);
    try {
      await api.POST('/api/v1/attempts/{id}/disposition', { params: { path: { id: call.attempt } }, body: { code: code.trim() || answered, answered, agent } });
      if (last.get()?.attempt === call.attempt) last.set({ ...call, said: answered });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(null);
    }
  };
  if (call.said) {
    return (
      <Panel className={css.card}>
        <Group justify="space-between" gap="sm">
          <span role="status">{t('recorded', { number: call.number, answered: word('answered', call.said) })}</span>
          <Group gap="sm">
            <Button size="xs" variant="default" onClick={() => last.set({ ...call, said: null })}>{t('change')}</Button>
            <Button size="xs" variant="subtle" aria-label={t('close')} onClick={() => last.set(null)}><Icon name="close" size={16} /></Button>
          </Group>
        </Group>
      </Panel>
    );
  }
  return (
    <Panel title={t('title')} aside={t('aside', { number: call.number, campaign: call.campaign })} className={css.card}>
      <Group gap="sm" mb="md">
        {ANSWERED.map((answered) => (
          <Button key={answered} variant={answered === 'person' ? 'filled' : 'default'} loading={busy === answered} disabled={busy !== null && busy !== answered} onClick={() => void say(answered)}>
            {word('answered', answered)}
          </Button>
        ))}
      </Group>
      <TextInput label={t('code')} description={t('codeHint')} maxLength={CODE_MAX} autoComplete="off" maw={420} value={code} onChange={(event) => setCode(event.currentTarget.value)} />
      <ErrorNote error={problem} />
    </Panel>
  );
}
