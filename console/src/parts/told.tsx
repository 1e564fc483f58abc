/** Short words at the edge of the screen about what was just done. The library comes with the first of them. */
import { Button } from '@mantine/core';
import type { NotificationData } from '@mantine/notifications';
import { lazy, Suspense } from 'react';
import { onLeave } from '../api/login';
import { createStore, useStore } from '../api/store';
import { i18n } from '../app/i18n';
import { words } from './error_state';
import { Icon } from './icons';

const library = () => import('@mantine/notifications');
const Notifications = lazy(async () => ({ default: (await library()).Notifications }));
const spoken = createStore(false);

/** Where the words stand; once in the console. */
export function Told() {
  return useStore(spoken) ? <Suspense><Notifications position="bottom-right" limit={4} /></Suspense> : null;
}

async function show(data: NotificationData): Promise<void> {
  spoken.set(true);
  (await library()).notifications.show(data);
}

// What was told concerned another login.
onLeave(() => {
  if (spoken.get()) void library().then(({ notifications }) => notifications.clean());
});

/** Long enough to read and to take back. */
const UNDO_MS = 10_000;

/** It is done; `more` can be chosen while the words stand, most often to take it back. */
export function tellDone(text: string, more?: { text: string; run: () => void }): void {
  const id = `done-${Date.now()}`;
  void show({
    id,
    icon: <Icon name="ok" size={18} />,
    color: 'petrol',
    autoClose: more ? UNDO_MS : 4_000,
    closeButtonProps: { 'aria-label': i18n.t('action.close') },
    message: more ? (
      <>
        {text}{' '}
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            void library().then(({ notifications }) => notifications.hide(id));
            more.run();
          }}
        >
          {more.text}
        </Button>
      </>
    ) : (
      text
    ),
  });
}

/** It was refused, where no form or page shows that itself. */
export function tellProblem(error: unknown): void {
  const { title, text } = words(error, i18n.t);
  void show({
    title,
    message: text,
    color: 'red',
    icon: <Icon name="fault" size={18} />,
    autoClose: 10_000,
    closeButtonProps: { 'aria-label': i18n.t('action.close') },
    role: 'alert',
  });
}
