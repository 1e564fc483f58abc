/** Ends a call, after asking. */
import type { TFunction } from 'i18next';
import type { Call } from '../../api/calls';
import { api, data } from '../../api/client';
import { Problem } from '../../api/problem';
import { ask } from '../../parts/confirm';
import { tellDone } from '../../parts/told';

export function askHangUp(call: Call, t: TFunction<'calls'>): void {
  const number = call.direction === 'inbound' ? call.from : call.to;
  ask({
    title: t('hangUpOf', { number }),
    text: call.agent ? t('hangUpAgentText', { agent: call.agent }) : t('hangUpText'),
    verb: t('hangUp'),
    danger: true,
    run: async () => {
      try {
        await data(api.DELETE('/api/v1/calls/{id}', { params: { path: { id: call.id } } }));
      } catch (error) {
        // It ended while the question stood: what was wanted is so.
        if (!(error instanceof Problem && error.code === 404)) throw error;
      }
      tellDone(t('hungUp', { number }));
    },
  });
}
