/** The question: which day, and what is other than it is now. */
import { ActionIcon, Button, NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useId, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { date, number, percent } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { MODES, RATIO, LIMIT_PERCENT, type Mode } from '../board/levers';
import { CALLS_MIN, CARE, changesOf, dayKey, faultsOf, MORE_AGENTS, questionOf, WRAP_UP_S, type Care, type Day, type Field, type Now, type Question } from './question';
import css from './whatif.module.css';

/** What stands in the choice of days beside days. */
export const BASE = 'base';
export const OTHER = 'other';

const DAY_MS = 86_400_000;

export interface FormProps {
  now: Now;
  question: Question;
  onQuestion: (question: Question) => void;
  days: Day[];
  /** A day's key, or one of the two above. */
  choice: string;
  onChoice: (choice: string) => void;
  /** The day's own date, of a choice beyond the list; empty while none is written. */
  other: string;
  onOther: (key: string) => void;
  /** Calls of the day that is chosen; `null`: not known yet, or a made-up day. */
  calls: number | null;
  busy: boolean;
  onAsk: () => void;
}

export function Form({ now, question, onQuestion, days, choice, onChoice, other, onOther, calls, busy, onAsk }: FormProps) {
  const { t } = useTranslation(['whatif', 'common']);
  const faults = faultsOf(question);
  const changes = changesOf(question, now);
  const changed = changes !== null && Object.keys(changes).length > 0;
  const few = choice !== BASE && calls !== null && calls < CALLS_MIN;
  const dayless = choice === OTHER && other === '';
  const set = (some: Partial<Question>) => onQuestion({ ...question, ...some });
  const fault = (field: Field) => faults[field] && t('ask.between', faults[field]);
  const today = new Date();
  return (
    <form
      className={css.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (changed && !few && !dayless) onAsk();
      }}
    >
      <Select
        label={t('ask.day')}
        description={choice === BASE ? t('ask.baseHint') : t('ask.dayHint')}
        allowDeselect={false}
        value={choice}
        onChange={(next) => onChoice(next ?? BASE)}
        data={[
          ...days.map((day) => ({ value: day.key, label: t('ask.dayOf', { day: dayName(day, today, t('ask.today'), t('ask.yesterday')), count: day.calls, number: number(day.calls) }) })),
          { value: OTHER, label: t('ask.other') },
          { value: BASE, label: t('ask.base') },
        ]}
      />
      {choice === OTHER && <TextInput type="date" label={t('ask.date')} value={other} max={dayKey(today)} onChange={(event) => onOther(event.currentTarget.value)} />}
      {few && !dayless && (
        <div className={css.few} role="alert">
          <Icon name="warn" size={16} />
          {calls === 0 ? t('ask.noCalls') : t('ask.fewCalls', { count: calls, number: number(calls), least: number(CALLS_MIN) })}
        </div>
      )}

      <div className={css.heading}>{t('ask.changes')}</div>
      <NumberInput
        label={t('ask.limit')}
        description={t('ask.limitHint', { now: percent(now.limit_percent / 100, 1) })}
        min={LIMIT_PERCENT.least}
        max={LIMIT_PERCENT.most}
        step={0.5}
        decimalScale={2}
        suffix=" %"
        clampBehavior="none"
        value={question.limit_percent}
        onChange={(limit_percent) => set({ limit_percent })}
        error={fault('limit_percent')}
      />
      <Steps label={t('ask.agents')} hint={t('ask.agentsHint')} fewer={t('ask.fewer')} more={t('ask.more')} value={question.more_agents} onChange={(more_agents) => set({ more_agents })} error={fault('more_agents')} />
      <Choice label={t('ask.mode')} hint={t(`ask.${question.mode}`)}>
        <SegmentedControl
          fullWidth
          aria-label={t('ask.mode')}
          value={question.mode}
          onChange={(mode) => set({ mode: mode as Mode })}
          data={MODES.map((mode) => ({ value: mode, label: t(`mode.${mode}`) }))}
        />
      </Choice>
      {question.mode === 'power' && (
        <NumberInput label={t('ask.ratio')} min={RATIO.least} max={RATIO.most} step={0.1} decimalScale={2} clampBehavior="none" value={question.ratio} onChange={(ratio) => set({ ratio })} error={fault('ratio')} />
      )}
      <NumberInput
        label={t('ask.wrapUp')}
        description={t('ask.wrapUpHint')}
        placeholder={t('ask.asItIs')}
        min={WRAP_UP_S.least}
        max={WRAP_UP_S.most}
        step={5}
        suffix={t('ask.seconds')}
        clampBehavior="none"
        value={question.wrap_up_s}
        onChange={(wrap_up_s) => set({ wrap_up_s })}
        error={fault('wrap_up_s')}
      />
      <Choice label={t('ask.amd')} hint={t('ask.amdHint')}>
        <SegmentedControl
          fullWidth
          aria-label={t('ask.amd')}
          value={question.amd ? 'on' : 'off'}
          onChange={(amd) => set({ amd: amd === 'on' })}
          data={[{ value: 'on', label: t('ask.on') }, { value: 'off', label: t('ask.off') }]}
        />
      </Choice>
      <Choice label={t('ask.care')} hint={t('ask.careHint', { count: CARE[question.care] })}>
        <SegmentedControl
          fullWidth
          aria-label={t('ask.care')}
          value={question.care}
          onChange={(care) => set({ care: care as Care })}
          data={(Object.keys(CARE) as Care[]).map((care) => ({ value: care, label: t(`ask.${care}`) }))}
        />
      </Choice>
      <div className={css.foot}>
        <Button type="submit" disabled={!changed || few || dayless} loading={busy}>{t('ask.run')}</Button>
        {changed && <Button variant="default" onClick={() => onQuestion({ ...questionOf(now), care: question.care })}>{t('ask.reset')}</Button>}
        {!changed && changes !== null && <span className={css.hint}>{t('ask.nothing')}</span>}
      </div>
    </form>
  );
}

/** A day as people call it. */
export function dayName(day: Pick<Day, 'key' | 'from_us'>, now: Date, today: string, yesterday: string): string {
  if (day.key === dayKey(now)) return today;
  if (day.key === dayKey(new Date(now.getTime() - DAY_MS))) return yesterday;
  return date(day.from_us);
}

function Choice({ label, hint, children }: { label: string; hint: string; children: ReactNode }) {
  return (
    <div>
      <div className={css.label}>{label}</div>
      {children}
      <div className={css.hint}>{hint}</div>
    </div>
  );
}

/** A number with a large button on either side: one less, one more. */
function Steps({ label, hint, fewer, more, value, onChange, error }: { label: string; hint: string; fewer: string; more: string; value: number | string; onChange: (value: number | string) => void; error: ReactNode }) {
  const id = useId();
  const step = (by: number) => onChange(Math.min(MORE_AGENTS.most, Math.max(MORE_AGENTS.least, (typeof value === 'number' ? value : 0) + by)));
  return (
    <div role="group" aria-labelledby={id}>
      <div id={id} className={css.label}>{label}</div>
      <div className={css.steps}>
        <ActionIcon size={36} variant="default" aria-label={fewer} onClick={() => step(-1)}><Icon name="minus" size={16} /></ActionIcon>
        <NumberInput
          aria-label={label}
          hideControls
          allowDecimal={false}
          clampBehavior="none"
          prefix={typeof value === 'number' && value > 0 ? '+' : undefined}
          value={value}
          onChange={onChange}
          error={error}
        />
        <ActionIcon size={36} variant="default" aria-label={more} onClick={() => step(1)}><Icon name="plus" size={16} /></ActionIcon>
      </div>
      <div className={css.hint}>{hint}</div>
    </div>
  );
}
