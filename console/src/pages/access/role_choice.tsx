/** A role, with what it may. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ChoiceCards } from '../../parts/choice_cards';

export const ROLES = ['viewer', 'agent', 'supervisor', 'admin'] as const;

export function RoleChoice(props: { value?: string; onChange?: (value: string) => void; error?: ReactNode }) {
  const { t } = useTranslation(['access', 'common']);
  return (
    <ChoiceCards
      label={t('role')}
      choices={ROLES.map((role) => ({ value: role, title: t(`common:role.${role}`), text: t(`roles.${role}`) }))}
      {...props}
    />
  );
}
