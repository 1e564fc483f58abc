/** The fields of a campaign: of a new one, and of one that is there. */
import { Alert, MultiSelect, NumberInput, Select, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { ChoiceCards } from '../../parts/choice_cards';
import { FormSection, Wide } from '../../parts/form_section';
import { Icon } from '../../parts/icons';
import { AnswersFields } from './answers_fields';
import { LeadsFields } from './leads_fields';
import type { CampaignValues } from './settings';

/** Profiles with a card; the others stand in a list. */
const CARDS = ['us-ftc', 'strict', 'lab'] as const;

/** What can be chosen. */
export interface Choices {
  lists: Thing<'List'>[];
  trunks: Thing<'TrunkView'>[];
  agents: Thing<'AgentView'>[];
}

/** The time zones that the browser knows, and the one that is chosen already. */
function zones(chosen: string | null): string[] {
  const all = Intl.supportedValuesOf('timeZone');
  return chosen === null || all.includes(chosen) ? all : [chosen, ...all];
}

/** Names to choose from; one that was chosen and is gone stays, so that a form never drops it unseen. */
function withChosen(names: string[], chosen: readonly string[]): string[] {
  return [...new Set([...names, ...chosen])];
}

export interface CampaignFieldsProps {
  form: UseFormReturnType<CampaignValues>;
  choices: Choices;
  /** Name and list of one that is there stay as they are. */
  fixed?: boolean;
}

export function CampaignFields({ form, choices, fixed }: CampaignFieldsProps) {
  const { t } = useTranslation('campaigns');
  const { values } = form;
  const agentless = values.mode === 'agentless';
  const leads = new Map(choices.lists.map((list) => [list.name, list.leads]));
  const channels = new Map(choices.trunks.map((trunk) => [trunk.name, trunk.channels_max]));
  const skills = withChosen([...new Set(choices.agents.flatMap((agent) => agent.skills))].sort(), values.skills);
  return (
    <>
      <FormSection title={t('what.title')} text={t('what.text')}>
        {!fixed && (
          <TextInput
            label={t('what.name')}
            description={t('what.nameHint')}
            withAsterisk
            autoComplete="off"
            data-autofocus
            {...form.getInputProps('name')}
          />
        )}
        <Select
          label={t('what.list')}
          description={fixed ? t('what.listFixed') : t('what.listHint')}
          placeholder={t('what.listPick')}
          withAsterisk={!fixed}
          disabled={fixed}
          searchable
          data={withChosen(choices.lists.map((list) => list.name), values.list ? [values.list] : [])}
          renderOption={({ option }) => <Named name={option.value} note={note(leads.get(option.value), (count) => t('what.leads', { count}))} />}
          {...form.getInputProps('list')}
        />
        <Select
          label={t('what.trunk')}
          description={t('what.trunkHint')}
          placeholder={t('what.trunkPick')}
          withAsterisk={!fixed}
          allowDeselect={false}
          data={withChosen(choices.trunks.map((trunk) => trunk.name), values.trunk ? [values.trunk] : [])}
          renderOption={({ option }) => <Named name={option.value} note={note(channels.get(option.value), (count) => t('what.channels', { count }))} />}
          {...form.getInputProps('trunk')}
        />
        <TextInput
          label={t('what.callerId')}
          description={t('what.callerIdHint')}
          withAsterisk={!fixed}
          inputMode="tel"
          autoComplete="off"
          {...form.getInputProps('caller_id')}
        />
      </FormSection>

      <FormSection title={t('pace.title')} text={t('pace.text')}>
        <Wide>
          <ChoiceCards
            label={t('pace.mode')}
            choices={(['predictive', 'power', 'progressive', 'preview', 'agentless'] as const).map((mode) => ({ value: mode, title: t(`modes.${mode}`), text: t(`pace.${mode}`) }))}
            {...form.getInputProps('mode')}
          />
        </Wide>
        {values.mode === 'power' && (
          <NumberInput
            label={t('pace.ratio')}
            description={t('pace.ratioHint')}
            min={1}
            max={20}
            step={0.1}
            decimalScale={2}
            clampBehavior="none"
            {...form.getInputProps('ratio')}
          />
        )}
        {values.mode === 'preview' && (
          <>
            <NumberInput label={t('pace.previewS')} description={t('pace.previewSHint')} suffix={t('rules.seconds')} min={3} max={3600} allowDecimal={false} clampBehavior="none" {...form.getInputProps('preview_s')} />
            <Select
              label={t('pace.previewThen')}
              description={t('pace.previewThenHint')}
              allowDeselect={false}
              data={[{ value: 'dial', label: t('pace.thenDial') }, { value: 'skip', label: t('pace.thenSkip') }]}
              {...form.getInputProps('preview_then')}
            />
            <NumberInput label={t('pace.skipRetry')} description={t('pace.skipRetryHint')} suffix={t('pace.minutes')} min={1} max={43200} allowDecimal={false} clampBehavior="none" {...form.getInputProps('skip_retry_min')} />
            <NumberInput label={t('pace.skipsMax')} description={t('pace.skipsMaxHint')} min={0} max={100} allowDecimal={false} clampBehavior="none" {...form.getInputProps('skips_max')} />
          </>
        )}
        {agentless && (
          <>
            <Wide>
              <Alert color="yellow" variant="outline" icon={<Icon name="warn" />} title={t('pace.agentlessWarn')}>{t('pace.agentlessWarnText')}</Alert>
            </Wide>
            <NumberInput label={t('pace.channels')} description={t('pace.channelsHint')} min={1} max={100000} allowDecimal={false} clampBehavior="none" {...form.getInputProps('channels')} />
            <NumberInput label={t('pace.rate')} description={t('pace.rateHint')} min={0.01} max={10000} step={0.5} decimalScale={2} clampBehavior="none" {...form.getInputProps('calls_per_second')} />
            <Wide>
              <TextInput label={t('pace.message')} description={t('pace.messageHint')} withAsterisk autoComplete="off" spellCheck={false} {...form.getInputProps('message')} />
            </Wide>
          </>
        )}
        {!agentless && <NumberInput
          label={t('pace.limit')}
          description={t('pace.limitHint')}
          suffix={t('rules.percent')}
          min={0}
          max={100}
          step={0.5}
          decimalScale={3}
          clampBehavior="none"
          {...form.getInputProps('limit')}
        />}
      </FormSection>

      {!agentless && <FormSection title={t('who.title')} text={t('who.text')}>
        <MultiSelect
          label={t('who.agents')}
          description={t('who.agentsHint')}
          placeholder={values.agents.length === 0 ? t('who.agentsPick') : undefined}
          searchable
          clearable
          hidePickedOptions
          data={withChosen(choices.agents.map((agent) => agent.name), values.agents)}
          {...form.getInputProps('agents')}
        />
        <MultiSelect
          label={t('who.skills')}
          description={t('who.skillsHint')}
          placeholder={values.skills.length === 0 ? t('who.skillsPick') : undefined}
          searchable
          clearable
          hidePickedOptions
          data={skills}
          {...form.getInputProps('skills')}
        />
        <NumberInput label={t('who.weight')} description={t('who.weightHint')} min={0.01} max={100} step={0.5} decimalScale={2} clampBehavior="none" {...form.getInputProps('weight')} />
      </FormSection>}

      <AnswersFields form={form} />

      <LeadsFields form={form} />

      <FormSection title={t('rules.title')} text={t('rules.text')}>
        <Wide>
          <ChoiceCards
            label={t('rules.profile')}
            choices={CARDS.map((profile) => ({ value: profile, title: t(`rules.${profile}`), text: t(`rules.${profile}Text`) }))}
            {...form.getInputProps('profile')}
          />
        </Wide>
        <OtherProfile form={form} />
        {values.profile === 'lab' && (
          <Wide>
            <Alert color="red" variant="outline" icon={<Icon name="warn" />} title={t('rules.labWarn')}>{t('rules.labWarnText')}</Alert>
          </Wide>
        )}
        <Select
          label={t('rules.timezone')}
          description={t('rules.timezoneHint')}
          searchable
          allowDeselect={false}
          limit={60}
          data={zones(values.timezone)}
          {...form.getInputProps('timezone')}
        />
        <NumberInput label={t('rules.attemptsMax')} min={1} max={100} allowDecimal={false} clampBehavior="none" {...form.getInputProps('attempts_max')} />
        <NumberInput
          label={t('rules.ringTimeout')}
          suffix={t('rules.seconds')}
          min={5}
          max={180}
          allowDecimal={false}
          clampBehavior="none"
          {...form.getInputProps('ring_timeout_s')}
        />
        <Wide>
          <TextInput
            label={t('rules.harbour')}
            description={t('rules.harbourHint')}
            autoComplete="off"
            spellCheck={false}
            {...form.getInputProps('safe_harbour')}
          />
        </Wide>
      </FormSection>
    </>
  );
}

function note(count: number | undefined, text: (count: number) => string): string {
  return count === undefined ? '' : text(count);
}

function Named({ name, note: words }: { name: string; note: string }) {
  return (
    <span>
      {name} <small>{words}</small>
    </span>
  );
}

/** The rules of other countries and of one's own files, and how far they were checked. */
function OtherProfile({ form }: { form: UseFormReturnType<CampaignValues> }) {
  const { t } = useTranslation('campaigns');
  const { profile } = form.values;
  const profiles = useQuery({ queryKey: ['profiles'], queryFn: () => data(api.GET('/api/v1/profiles')) });
  const all = profiles.data?.items ?? [];
  const others = all.filter((one) => !(CARDS as readonly string[]).includes(one.name));
  const own = others.filter((one) => one.file != null);
  const chosen = others.find((one) => one.name === profile);
  const choices = (of: typeof others) => of.map((one) => ({ value: one.name, label: one.title }));
  const countries = choices(others.filter((one) => one.file == null));
  const open = chosen?.fields.filter((field) => field.own != null).length ?? 0;
  return (
    <>
      <Select
        label={t('rules.other')}
        description={t('rules.otherHint')}
        placeholder={t('rules.otherPick')}
        searchable
        data={own.length === 0 ? countries : [{ group: t('rules.own'), items: choices(own) }, { group: t('rules.countries'), items: countries }]}
        value={chosen?.name ?? null}
        onChange={(name) => name && form.setFieldValue('profile', name)}
      />
      {chosen && open > 0 && (
        <Wide>
          <Alert color="yellow" variant="outline" icon={<Icon name="warn" />} title={t('rules.open', { count: open })}>{t('rules.openText')}</Alert>
        </Wide>
      )}
    </>
  );
}
