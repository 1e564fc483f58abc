/** Asks before something that cannot be taken back, or that people would not want by a slip. */
import { Button, Group, Stack, Text, TextInput, type ButtonProps } from '@mantine/core';
import { modals, type ContextModalProps } from '@mantine/modals';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { i18n } from '../app/i18n';
import { ErrorNote } from './error_state';

export interface Question {
  title: string;
  /** What will happen. */
  text: ReactNode;
  /** The verb: "Stop campaign", not "OK". */
  verb: string;
  danger?: boolean;
  /** What must be typed first, for what cannot be taken back: the name of the thing. */
  type?: string;
  /** Does it; a refusal is shown in the dialog, which stays. */
  run: () => Promise<void>;
}

export function ask(question: Question): void {
  modals.openContextModal({ modal: 'confirm', title: question.title, innerProps: question, closeButtonProps: { 'aria-label': i18n.t('action.close') } });
}

function Confirm({ context, id, innerProps }: ContextModalProps<Question>) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [typed, setTyped] = useState('');
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await innerProps.run();
      context.closeModal(id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Stack gap="md">
      <Text component="div" size="sm">{innerProps.text}</Text>
      {innerProps.type !== undefined && (
        <TextInput
          label={t('confirm.type', { name: innerProps.type })}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-autofocus
        />
      )}
      <ErrorNote error={error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={() => context.closeModal(id)}>{t('action.cancel')}</Button>
        <Button color={innerProps.danger ? 'red' : undefined} loading={busy} disabled={innerProps.type !== undefined && typed.trim() !== innerProps.type} onClick={() => void run()} data-autofocus={innerProps.danger ? undefined : true}>
          {innerProps.verb}
        </Button>
      </Group>
    </Stack>
  );
}

export const confirmModals = { confirm: Confirm };

/** A button that asks first. */
export function ConfirmButton({ question, children, ...button }: ButtonProps & { question: Question; children: ReactNode }) {
  return <Button {...button} onClick={() => ask(question)}>{children}</Button>;
}
