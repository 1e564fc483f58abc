/** Asks before something that cannot be taken back, or that people would not want by a slip. */
import { Button, Group, Stack, Text, TextInput, type ButtonProps } from '@mantine/core';
import { modals, type ContextModalProps } from '@mantine/modals';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { onLeave } from '../api/login';
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
  /** However it ended: done, or not wanted after all. */
  onClose?: () => void;
}

// A question of another login is nobody's.
onLeave(() => modals.closeAll());

export function ask(question: Question): void {
  modals.openContextModal({ modal: 'confirm', title: question.title, innerProps: question, onClose: question.onClose, closeButtonProps: { 'aria-label': i18n.t('action.close') } });
}

function Confirm({ context, id, innerProps }: ContextModalProps<Question>) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [typed, setTyped] = useState('');
  // While it is being done nobody can close it: a refusal would be seen by nobody.
  const hold = (closed: boolean) => {
    setBusy(closed);
    context.updateContextModal({ modalId: id, closeOnEscape: !closed, closeOnClickOutside: !closed, withCloseButton: !closed });
  };
  const run = async () => {
    hold(true);
    setError(null);
    try {
      await innerProps.run();
      context.closeModal(id);
    } catch (problem) {
      setError(problem);
      hold(false);
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
        <Button variant="default" disabled={busy} onClick={() => context.closeModal(id)}>{t('action.cancel')}</Button>
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
