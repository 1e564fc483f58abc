/** The line above a table: what to look for, and how many are left. */
import { CloseButton, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icons';
import css from './filter.module.css';

export interface SearchProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

export function Search({ label, value, onChange }: SearchProps) {
  const { t } = useTranslation();
  return (
    <TextInput
      className={css.search}
      aria-label={label}
      placeholder={label}
      leftSection={<Icon name="search" size={16} />}
      rightSection={value && <CloseButton size="sm" aria-label={t('action.clear')} onClick={() => onChange('')} />}
      rightSectionPointerEvents="all"
      autoComplete="off"
      spellCheck={false}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function FilterLine({ children }: { children: ReactNode }) {
  return <div className={css.line}>{children}</div>;
}

/** Labelled fields above a table. The root of one that wants more room has `data-wide`. */
export function FilterFields({ children }: { children: ReactNode }) {
  return <div className={css.fields}>{children}</div>;
}

/** Whether any of the texts has what was typed. */
export function fits(wanted: string, ...texts: (string | null | undefined)[]): boolean {
  const sought = wanted.trim().toLocaleLowerCase();
  return sought === '' || texts.some((text) => text?.toLocaleLowerCase().includes(sought));
}
