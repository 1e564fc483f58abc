/** The states of a list's leads as parts of a bar. */
import type { Segment } from '../../parts/stack_bar';
import { LEAD_STATES, type Kind } from '../../parts/words';

const COLORS: Record<string, `--op-${string}`> = {
  new: '--op-accent',
  ready: '--op-talk',
  waiting: '--op-wrap',
  dialling: '--op-ok',
  done: '--op-break',
  blocked: '--op-bad',
};

export function leadShares(states: Record<string, number>, word: (kind: Kind, code: string) => string): Segment[] {
  const others = Object.keys(states).filter((state) => !(LEAD_STATES as readonly string[]).includes(state));
  const shown = [...LEAD_STATES, ...others].filter((state) => (states[state] ?? 0) > 0);
  return shown.map((state) => ({ key: state, label: word('lead', state), value: states[state] ?? 0, color: COLORS[state] ?? '--op-idle' }));
}
