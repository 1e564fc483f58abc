/** Which leads of which lists a campaign dials, in which order, and when it tries again. */
import { NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { UseFormReturnType } from '@mantine/form';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { Problem, sentence } from '../../api/problem';
import { FormSection, Wide } from '../../parts/form_section';
import { compact } from '../../parts/format';
import css from './detail.module.css';
import type { CampaignValues } from './settings';

/** The count is asked for when the fingers rest. */
const REST_MS = 500;

export function LeadsFields({ form }: { form: UseFormReturnType<CampaignValues> }) {
  const { t } = useTranslation('campaigns');
  const { values } = form;
  return (
    <FormSection title={t('which.title')} text={t('which.text')}>
      <Wide>
        <Textarea
          label={t('which.filter')}
          description={t('which.filterHint')}
          autosize
          minRows={1}
          maxRows={6}
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('filter')}
        />
        <Means list={values.list} filter={values.filter} />
      </Wide>
      <Select
        label={t('which.order')}
        description={t('which.orderHint')}
        allowDeselect={false}
        data={(['oldest', 'newest', 'random', 'last_attempt'] as const).map((order) => ({ value: order, label: t(`which.${order}`) }))}
        {...form.getInputProps('order')}
      />
      <TextInput label={t('which.mix')} description={t('which.mixHint')} autoComplete="off" spellCheck={false} {...form.getInputProps('mix')} />
      <Wide>
        <TextInput label={t('which.recycle')} description={t('which.recycleHint')} autoComplete="off" spellCheck={false} {...form.getInputProps('recycle')} />
      </Wide>
      {values.mode !== 'agentless' && (
        <>
          <NumberInput label={t('which.callbackWait')} description={t('which.callbackWaitHint')} suffix={t('pace.minutes')} min={1} max={1440} allowDecimal={false} clampBehavior="none" {...form.getInputProps('callback_wait_min')} />
          <Select
            label={t('which.callbackThen')}
            description={t('which.callbackThenHint')}
            allowDeselect={false}
            data={[{ value: 'anybody', label: t('which.thenAnybody') }, { value: 'later', label: t('which.thenLater') }]}
            {...form.getInputProps('callback_then')}
          />
          {values.callback_then === 'later' && <NumberInput label={t('which.callbackLater')} suffix={t('pace.minutes')} min={1} max={43200} allowDecimal={false} clampBehavior="none" {...form.getInputProps('callback_later_min')} />}
        </>
      )}
    </FormSection>
  );
}

/** How many leads the expression means, or what is wrong with it. */
function Means({ list, filter }: { list: string | null; filter: string }) {
  const { t } = useTranslation('campaigns');
  const [rested] = useDebouncedValue(filter.trim(), REST_MS);
  const found = useQuery({
    queryKey: ['means', list, rested],
    queryFn: () => data(api.GET('/api/v1/lists/{name}/leads', { params: { path: { name: list ?? '' }, query: { filter: rested, limit: 1 } } })),
    enabled: list !== null && rested !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (list === null || filter.trim() === '') return null;
  if (found.error) {
    const fault = found.error instanceof Problem ? found.error.byField(['filter']) : null;
    const text = fault?.errors.filter ?? (fault?.rest[0] && sentence(fault.rest[0]));
    return <div role="alert" className={css.means} data-tone="bad">{text ?? (found.error instanceof Problem ? found.error.detail : String(found.error))}</div>;
  }
  return <div role="status" className={css.means}>{found.data ? t('which.means', { count: found.data.total, number: compact(found.data.total), list }) : t('which.counting')}</div>;
}
