/** Work that is not saved is lost by a slip of the finger: who leaves is asked first, in the console and by the browser. */
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useBlocker } from 'react-router';
import { ask } from './confirm';

/** State of a navigation that follows the work's own end (it was saved, its thing was deleted) and so asks nothing. */
export const SETTLED = { settled: true } as const;

const isSettled = (state: unknown) => typeof state === 'object' && state !== null && 'settled' in state;

/** Has the browser ask before the tab is closed or loaded anew; until the answer is called. */
export function holdTab(): () => void {
  const hold = (event: BeforeUnloadEvent) => event.preventDefault();
  window.addEventListener('beforeunload', hold);
  return () => window.removeEventListener('beforeunload', hold);
}

/** For a form: `unsaved` while something stands in it that the server does not have. */
export function useUnsaved(unsaved: boolean): void {
  const { t } = useTranslation();
  const blocker = useBlocker(
    ({ currentLocation, nextLocation, historyAction }) =>
      unsaved && currentLocation.pathname !== nextLocation.pathname && !(historyAction !== 'POP' && isSettled(nextLocation.state)),
  );
  useEffect(() => (unsaved ? holdTab() : undefined), [unsaved]);
  useEffect(() => {
    if (blocker.state !== 'blocked') return;
    let left = false;
    ask({
      title: t('unsaved.title'),
      text: t('unsaved.text'),
      verb: t('unsaved.leave'),
      danger: true,
      run: () => {
        left = true;
        blocker.proceed();
        return Promise.resolve();
      },
      onClose: () => {
        if (!left) blocker.reset();
      },
    });
    // Asked once for each time that somebody is held back.
  }, [blocker.state]);
}
