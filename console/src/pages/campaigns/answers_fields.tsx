/** How people are told from machines, and what is done with each kind of answer. */
import { NumberInput, Select, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { ChoiceCards } from '../../parts/choice_cards';
import { FormSection, Wide } from '../../parts/form_section';
import { AMD_MODES, type CampaignValues } from './settings';

/** Seconds that a greeting or an assistant is waited for, and that a silent line has. */
const WAIT_S = [5, 120] as const;
const HELLO_S = [1, 10] as const;

export function AnswersFields({ form }: { form: UseFormReturnType<CampaignValues> }) {
  const { t } = useTranslation('campaigns');
  const { values } = form;
  const agentless = values.mode === 'agentless';
  const acts = values.amd_mode === 'on' || values.amd_mode === 'sample';
  return (
    <FormSection title={t('answers.title')} text={t('answers.text')}>
      <Wide>
        <ChoiceCards
          label={t('answers.mode')}
          choices={AMD_MODES.map((mode) => ({ value: mode, title: t(`answers.${mode}`), text: t(`answers.${mode}Text`) }))}
          {...form.getInputProps('amd_mode')}
        />
      </Wide>
      {values.amd_mode !== 'off' && (
        <>
          {acts && !agentless && <Percent form={form} />}
          <Switch label={t('answers.audio')} description={t('answers.audioHint')} {...form.getInputProps('amd_audio', { type: 'checkbox' })} />
          {values.amd_audio && <NumberInput label={t('answers.audioDays')} suffix={t('answers.days')} min={1} max={3650} allowDecimal={false} clampBehavior="none" {...form.getInputProps('amd_audio_days')} />}
        </>
      )}
      {acts && (
        <>
          <Choice form={form} name="on_machine" label={t('answers.machine')} options={{ hang_up: t('answers.hangUp'), message: t('answers.machineMessage') }} />
          {values.on_machine === 'message' && (
            <>
              <Select
                label={t('answers.after')}
                allowDeselect={false}
                data={[{ value: 'beep', label: t('answers.afterBeep') }, { value: 'greeting_end', label: t('answers.afterGreeting') }]}
                {...form.getInputProps('message_after')}
              />
              <File form={form} name="machine_message" label={t('answers.machineFile')} hint={t('answers.machineFileHint')} />
              <Seconds form={form} name="message_wait_s" label={t('answers.messageWait')} range={WAIT_S} />
            </>
          )}
          {!agentless && (
            <>
              <Choice form={form} name="on_ivr" label={t('answers.ivr')} options={{ hang_up: t('answers.hangUp'), agent: t('answers.toAgent') }} />
              <Choice form={form} name="on_screening" label={t('answers.screening')} hint={t('answers.screeningHint')} options={{ hang_up: t('answers.hangUp'), identify: t('answers.identify') }} />
              {values.on_screening === 'identify' && (
                <>
                  <Seconds form={form} name="screening_wait_s" label={t('answers.screeningWait')} range={WAIT_S} />
                  <File form={form} name="screening_message" label={t('answers.screeningMessage')} hint={t('answers.screeningFileHint')} />
                </>
              )}
              <Choice form={form} name="on_silence" label={t('answers.silence')} hint={t('answers.silenceHint')} options={{ agent: t('answers.toAgent'), hello: t('answers.hello') }} />
              {values.on_silence === 'hello' && (
                <>
                  <Choice form={form} name="hello_then" label={t('answers.helloThen')} options={{ agent: t('answers.toAgent'), hang_up: t('answers.hangUp') }} />
                  <File form={form} name="hello_message" label={t('answers.helloMessage')} hint={t('answers.helloFileHint')} />
                  <Seconds form={form} name="hello_wait_s" label={t('answers.helloWait')} range={HELLO_S} />
                </>
              )}
            </>
          )}
          <Choice form={form} name="on_fax" label={t('answers.fax')} options={{ mark: t('answers.faxMark'), hang_up: t('answers.hangUp') }} />
          <Choice form={form} name="on_sit" label={t('answers.sit')} hint={t('answers.sitHint')} options={{ by_meaning: t('answers.sitMeaning'), hang_up: t('answers.hangUp') }} />
        </>
      )}
    </FormSection>
  );
}

interface FieldProps {
  form: UseFormReturnType<CampaignValues>;
  name: keyof CampaignValues;
  label: string;
  hint?: string;
}

function Choice({ form, name, label, hint, options }: FieldProps & { options: Record<string, string> }) {
  return <Select label={label} description={hint} allowDeselect={false} data={Object.entries(options).map(([value, text]) => ({ value, label: text }))} {...form.getInputProps(name)} />;
}

function File({ form, name, label, hint }: FieldProps) {
  return (
    <Wide>
      <TextInput label={label} description={hint} withAsterisk autoComplete="off" spellCheck={false} {...form.getInputProps(name)} />
    </Wide>
  );
}

function Seconds({ form, name, label, range: [least, most] }: FieldProps & { range: readonly [number, number] }) {
  const { t } = useTranslation('campaigns');
  return <NumberInput label={label} suffix={t('rules.seconds')} min={least} max={most} allowDecimal={false} clampBehavior="none" {...form.getInputProps(name)} />;
}

function Percent({ form }: { form: UseFormReturnType<CampaignValues> }) {
  const { t } = useTranslation('campaigns');
  return (
    <NumberInput
      label={t('answers.share')}
      description={t('answers.shareHint')}
      suffix={t('rules.percent')}
      min={0}
      max={100}
      step={1}
      decimalScale={2}
      clampBehavior="none"
      {...form.getInputProps('amd_audit_share')}
    />
  );
}
