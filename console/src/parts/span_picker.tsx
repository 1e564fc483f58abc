/** Chooses a span of time; lives in the page's address. Stands among `FilterFields`. */
import { Select, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { localInput, spanName, type SpanFilters, type SpanName } from './span';

interface Props {
  filters: SpanFilters;
  usual: SpanName;
  onChange: (change: Partial<SpanFilters>) => void;
  /** Whether all of time is a choice. */
  all?: boolean;
  /** Stands in a line of fields that carry their names inside. */
  plain?: boolean;
}

const WIDE = { 'data-wide': true };
const DAY_MS = 86_400_000;

export function SpanPicker({ filters, usual, onChange, all, plain }: Props) {
  const { t } = useTranslation('words');
  const names: SpanName[] = ['today', 'yesterday', 'week', ...(all ? (['all'] as const) : []), 'own'];
  const name = spanName(filters, usual);
  const field = (key: 'from' | 'to') => ({
    label: t(`span.${key}`),
    type: 'datetime-local',
    value: filters[key] ? localInput(new Date(filters[key])) : '',
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      const at = new Date(event.currentTarget.value);
      onChange({ [key]: Number.isNaN(at.getTime()) ? '' : at.toISOString() });
    },
  });
  return (
    <>
      <Select
        label={plain ? undefined : t('span.when')}
        aria-label={plain ? t('span.when') : undefined}
        data={names.map((value) => ({ value, label: t(`span.${value}`) }))}
        value={name}
        allowDeselect={false}
        onChange={(value) => {
          if (value === 'own') onChange({ span: 'own', from: filters.from || new Date(new Date().setHours(0, 0, 0, 0) - DAY_MS).toISOString(), to: filters.to });
          else onChange({ span: value === usual ? '' : (value ?? ''), from: '', to: '' });
        }}
      />
      {name === 'own' && (
        <>
          <TextInput {...field('from')} wrapperProps={WIDE} />
          <TextInput {...field('to')} wrapperProps={WIDE} />
        </>
      )}
    </>
  );
}
