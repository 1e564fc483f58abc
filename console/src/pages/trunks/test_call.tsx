/** Places one call over a trunk and shows how it goes. */
import { Button, Input, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { Thing } from '../../api/client';
import { useAgents } from '../../api/things';
import { Since } from '../../parts/clock';
import { ErrorNote } from '../../parts/error_state';
import { Figure, Figures } from '../../parts/figure';
import { milliseconds, NONE, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { Panel } from '../../parts/panel';
import { Timeline } from '../../parts/timeline';
import { tellProblem } from '../../parts/told';
import { useSaving } from '../../parts/use_saving';
import css from './trunks.module.css';
import { useTestCall, type Followed } from './use_test_call';

type Hear = 'echo' | 'prompt' | 'agent';

interface Values {
  to: string;
  caller_id: string;
  hear: Hear;
  connect: { prompt: string; agent: string | null };
}

const KEYS = ['to', 'caller_id', 'connect.prompt', 'connect.agent'] as const;

function wanted(values: Values, trunk: string): Thing<'PlaceCall'> {
  const plain = (number: string) => number.replace(/[\s()/]/g, '');
  const connect = { echo: { echo: true }, prompt: { prompt: values.connect.prompt.trim() }, agent: { agent: values.connect.agent ?? '' } }[values.hear];
  return { to: plain(values.to), trunk, connect, ...(values.caller_id.trim() === '' ? {} : { caller_id: plain(values.caller_id) }) };
}

export function TestCall({ trunk }: { trunk: string }) {
  const { t } = useTranslation(['trunks', 'common']);
  const label = useId();
  const agents = useAgents();
  const ready = (agents.data?.items ?? []).filter((agent) => agent.state === 'ready').map((agent) => agent.name);
  const { followed, place, hangUp, forget } = useTestCall();
  const form = useForm<Values>({ initialValues: { to: '', caller_id: '', hear: 'echo', connect: { prompt: '', agent: null } } });
  const saving = useSaving(form, KEYS);
  const live = followed !== null && !followed.over;
  const send = form.onSubmit((values) => saving.save(() => place(wanted(values, trunk))));
  return (
    <Panel title={t('test.title')} aside={t('test.text')}>
      <div className={css.test}>
        <form className={css.form} onSubmit={(event) => void send(event)} noValidate>
          <TextInput label={t('test.to')} description={t('test.toHint')} withAsterisk inputMode="tel" autoComplete="off" disabled={live} {...form.getInputProps('to')} />
          <TextInput label={t('test.callerId')} description={t('test.callerIdHint')} inputMode="tel" autoComplete="off" disabled={live} {...form.getInputProps('caller_id')} />
          <div>
            <Input.Label id={label}>{t('test.hear')}</Input.Label>
            <SegmentedControl
              fullWidth
              aria-labelledby={label}
              disabled={live}
              data={(['echo', 'prompt', 'agent'] as const).map((hear) => ({ value: hear, label: t(`test.${hear}`) }))}
              {...form.getInputProps('hear')}
            />
          </div>
          {form.values.hear === 'echo' && <p className={css.hint}>{t('test.echoText')}</p>}
          {form.values.hear === 'prompt' && (
            <TextInput label={t('test.file')} description={t('test.fileHint')} autoComplete="off" spellCheck={false} disabled={live} {...form.getInputProps('connect.prompt')} />
          )}
          {form.values.hear === 'agent' && (
            <Select label={t('test.agentName')} description={t('test.agentHint')} placeholder={ready.length === 0 ? t('test.agentNone') : undefined} searchable data={ready} disabled={live} {...form.getInputProps('connect.agent')} />
          )}
          <ErrorNote error={saving.error} faults={saving.rest} />
          <div className={css.buttons}>
            {live ? (
              <Button color="red" leftSection={<Icon name="hangUp" size={18} />} onClick={() => void hangUp().catch(tellProblem)}>{t('test.hangUp')}</Button>
            ) : (
              <Button type="submit" leftSection={<Icon name="calls" size={16} />} loading={saving.busy}>{t('test.place')}</Button>
            )}
            {followed?.over && <Button variant="default" onClick={forget}>{t('common:action.clear')}</Button>}
          </div>
        </form>
        {followed && <Course followed={followed} withAgent={followed.call.agent != null} />}
      </div>
    </Panel>
  );
}

type StepState = 'done' | 'now' | 'toCome' | 'failed' | 'skipped';

/** The steps of a call and how far it came. */
function stepsOf({ call, over }: Followed, withAgent: boolean): { step: 'dialling' | 'ringing' | 'answered' | 'connected' | 'ended'; state: StepState }[] {
  const rang = call.state !== 'dialling' || call.timeline.some((entry) => entry.what === 'ringing');
  const answered = call.answered_us != null;
  const connected = call.connected_us != null;
  const reached = [
    { step: 'dialling' as const, reached: true },
    { step: 'ringing' as const, reached: rang },
    { step: 'answered' as const, reached: answered },
    ...(withAgent ? [{ step: 'connected' as const, reached: connected }] : []),
  ];
  const last = reached.filter((one) => one.reached).length - 1;
  const steps = reached.map(({ step, reached: was }, at) => ({ step, state: (was ? (at === last && !over ? 'now' : 'done') : over ? 'skipped' : 'toCome') as StepState }));
  return [...steps, { step: 'ended', state: over ? (answered ? 'done' : 'failed') : 'toCome' }];
}

function Course({ followed, withAgent }: { followed: Followed; withAgent: boolean }) {
  const { t } = useTranslation('trunks');
  const { call, over } = followed;
  const { quality } = call;
  const answered = call.answered_us != null;
  const end_us = over ? (call.timeline.at(-1)?.at_us ?? null) : null;
  return (
    <div className={css.call}>
      <ol className={css.steps} aria-label={t('test.steps')}>
        {stepsOf(followed, withAgent).map(({ step, state }) => (
          <li key={step} className={css.step} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
            {(state === 'done' || state === 'failed') && <Icon name={state === 'done' ? 'ok' : 'fault'} size={15} />}
            {t(`test.${step}`)}
          </li>
        ))}
      </ol>
      <div role="status">
        {over && answered && <b>{t('test.overAnswered')}</b>}
        {over && !answered && <><b>{t('test.overUnanswered')}</b><p className={css.hint}>{t('test.overUnansweredText')}</p></>}
      </div>
      <Figures>
        <Figure size="small" label={t('test.lasted')} value={over && end_us === null ? NONE : <Since from_us={call.answered_us ?? call.began_us} until_us={end_us} />} />
        <Figure size="small" label={t('test.codec')} value={call.codec ?? NONE} />
        <Figure size="small" label={t('test.mos')} value={quality ? number(quality.mos, 2) : NONE} />
        <Figure size="small" label={t('test.loss')} value={quality ? percent(quality.loss, 2) : NONE} />
        <Figure size="small" label={t('test.jitter')} value={quality ? milliseconds(quality.jitter_ms, 1) : NONE} />
        <Figure size="small" label={t('test.rtt')} value={quality?.rtt_ms != null ? milliseconds(quality.rtt_ms) : NONE} />
      </Figures>
      {answered && !over && !quality && <p className={css.hint}>{t('test.quiet')}</p>}
      <div>
        <h3 className={css.sub}>{t('test.timeline')}</h3>
        <Timeline entries={call.timeline} />
      </div>
    </div>
  );
}
