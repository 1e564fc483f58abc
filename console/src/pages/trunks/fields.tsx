/** The fields of a trunk: of a new one, and of one that is there. */
import { MultiSelect, NumberInput, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { FormSection } from '../../parts/form_section';
import { Password } from '../../parts/password';
import type { TrunkValues } from './settings';

const CODECS = ['PCMU', 'PCMA'];

export function TrunkFields({ form, fixed }: { form: UseFormReturnType<TrunkValues>; fixed?: boolean }) {
  const { t } = useTranslation('trunks');
  return (
    <>
      <FormSection title={t('form.where')} text={t('form.whereText')}>
        {!fixed && <TextInput label={t('form.name')} description={t('form.nameHint')} withAsterisk autoComplete="off" {...form.getInputProps('name')} />}
        <TextInput label={t('form.host')} description={t('form.hostHint')} withAsterisk={!fixed} autoComplete="off" spellCheck={false} inputMode="url" {...form.getInputProps('host')} />
        <Switch label={t('form.nat')} description={t('form.natHint')} {...form.getInputProps('nat', { type: 'checkbox' })} />
      </FormSection>
      <FormSection title={t('form.who')} text={t('form.whoText')}>
        <TextInput label={t('form.username')} autoComplete="off" spellCheck={false} {...form.getInputProps('username')} />
        <Password
          label={t('form.password')}
          description={fixed ? t('form.passwordKeep') : t('form.passwordHint')}
          {...form.getInputProps('password')}
        />
        <Switch label={t('form.register')} description={t('form.registerHint')} {...form.getInputProps('register', { type: 'checkbox' })} />
      </FormSection>
      <FormSection title={t('form.room')} text={t('form.roomText')}>
        <NumberInput label={t('form.maxChannels')} min={1} max={100_000} allowDecimal={false} clampBehavior="none" {...form.getInputProps('max_channels')} />
        <NumberInput label={t('form.maxCps')} min={0.01} max={10_000} decimalScale={2} clampBehavior="none" {...form.getInputProps('max_cps')} />
        <MultiSelect label={t('form.codecs')} description={t('form.codecsHint')} data={CODECS} {...form.getInputProps('codecs')} />
        <NumberInput label={t('form.ping')} description={t('form.pingHint')} suffix={t('form.seconds')} min={0} max={3_600} allowDecimal={false} clampBehavior="none" {...form.getInputProps('ping_s')} />
      </FormSection>
      <FormSection title={t('form.cost')} text={t('form.costText')}>
        <NumberInput label={t('form.price')} description={t('form.priceHint')} min={0} decimalScale={6} step={0.001} clampBehavior="none" {...form.getInputProps('price_per_min')} />
        <TextInput label={t('form.billing')} description={t('form.billingHint')} autoComplete="off" {...form.getInputProps('billing_s')} />
      </FormSection>
    </>
  );
}

/** What each key is called, to say what was changed. */
export function useTrunkKeyNames(): (key: string) => string {
  const { t } = useTranslation('trunks');
  const names: Record<string, string> = {
    host: t('form.host'),
    nat: t('form.nat'),
    username: t('form.username'),
    password: t('form.password'),
    register: t('form.register'),
    max_channels: t('form.maxChannels'),
    max_cps: t('form.maxCps'),
    codecs: t('form.codecs'),
    ping_s: t('form.ping'),
    price_per_min: t('form.price'),
    billing_s: t('form.billing'),
  };
  return (key) => names[key] ?? key;
}
