/** Codes of the API in the words of people: outcomes, causes, states. A code that is not known here is shown as it is. */
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type words from '../locales/en/words.json';
import type { Tone } from './state_badge';

export type Kind = keyof typeof words | 'callState' | 'direction' | 'moment' | 'outcome' | 'storeState' | 'verdict';

/** `word('outcome', 'no_answer')`. Pages that use it have `words` among their texts. */
export function useWords(): (kind: Kind, code: string) => string {
  const { t } = useTranslation(['words', 'common']);
  return useCallback(
    (kind, code) => {
      // The compiler cannot know which codes the server has; the default says what to do with another one.
      const places = [`words:${kind}.${code}`, `common:${kind}.${code}`];
      return (t as (keys: string[], options: object) => string)(places, { defaultValue: code.replaceAll(/[_-]/g, ' ') });
    },
    [t],
  );
}

const OUTCOMES: Record<string, Tone> = {
  connected: 'ok',
  message: 'ok',
  abandoned: 'bad',
  hung_up_waiting: 'warn',
  hung_up_early: 'warn',
  bad_number: 'warn',
  failed: 'bad',
  machine: 'accent',
  ivr: 'accent',
  screening: 'accent',
  message_left: 'accent',
  silent: 'accent',
  fax: 'accent',
  sit: 'accent',
};

export function outcomeTone(outcome: string): Tone {
  return OUTCOMES[outcome] ?? 'idle';
}

const COLORS: Record<Tone, `--op-${string}`> = { ok: '--op-ok', warn: '--op-warn', bad: '--op-bad', idle: '--op-idle', accent: '--op-machine' };

export function outcomeColor(outcome: string): `--op-${string}` {
  return COLORS[outcomeTone(outcome)];
}

/** All outcomes, as the dialer knows them, in the order in which people ask for them. */
export const OUTCOME_CODES = [
  'connected', 'abandoned', 'message', 'hung_up_waiting', 'hung_up_early', 'machine', 'message_left', 'ivr', 'screening', 'silent', 'fax', 'sit', 'busy', 'no_answer', 'declined',
  'bad_number', 'failed', 'cancelled', 'unknown',
] as const;

/** States of a lead, in the order of its life. */
export const LEAD_STATES = ['new', 'ready', 'waiting', 'dialling', 'done', 'blocked'] as const;

const LEADS: Record<string, Tone> = { new: 'accent', ready: 'accent', waiting: 'warn', dialling: 'ok', blocked: 'bad' };

export function leadTone(state: string): Tone {
  return LEADS[state] ?? 'idle';
}

/** What can have answered a call, as people say it; the digit of each on a keyboard is its place. */
export const ANSWERED = ['person', 'machine', 'ivr', 'screening', 'fax', 'silence'] as const;
export type Answered = (typeof ANSWERED)[number];
