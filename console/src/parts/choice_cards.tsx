/** One of a few things that need a sentence each. A group of radio buttons, so arrow keys work. */
import { Radio } from '@mantine/core';
import type { ReactNode } from 'react';
import css from './choice_cards.module.css';

export interface Choice {
  value: string;
  title: string;
  text: ReactNode;
}

export interface ChoiceCardsProps {
  label: string;
  description?: ReactNode;
  choices: readonly Choice[];
  value?: string;
  onChange?: (value: string) => void;
  error?: ReactNode;
}

export function ChoiceCards({ label, description, choices, value, onChange, error }: ChoiceCardsProps) {
  return (
    <Radio.Group label={label} description={description} value={value} onChange={(next) => onChange?.(String(next))} error={error}>
      <div className={css.cards}>
        {choices.map((choice) => (
          <Radio.Card key={choice.value} value={choice.value} className={css.card}>
            <Radio.Indicator />
            <span>
              <span className={css.title}>{choice.title}</span>
              <span className={css.text}>{choice.text}</span>
            </span>
          </Radio.Card>
        ))}
      </div>
    </Radio.Group>
  );
}
