/** How people are told from machines. */
import { NumberInput, Switch } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { ChoiceCards } from '../../parts/choice_cards';
import { FormSection, Wide } from '../../parts/form_section';
import { AMD_MODES, type CampaignValues } from './settings';

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
    </FormSection>
  );
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
