/**
 * What a detector thought over time, as its plot shows it.
 *
 * The server keeps a probability for each class every step; thresholds hold for the person alone and for machine, menu and
 * assistant together, so these two are what one looks at. The others are drawn where they ever mattered.
 */
export const MACHINES = ['machine', 'ivr', 'screening'];

/** A line of the plot: values from 0 to 1, one a step. */
export interface Course {
  code: string;
  values: number[];
}

/** A class that never came so far is not worth a line. */
const MATTERS = 0.15;

/** `steps[i][j]` is the probability of `classes[j]` in step i. The person, the machines together, then others that mattered. */
export function courses(classes: readonly string[], steps: readonly (readonly number[])[]): Course[] {
  const of = (codes: readonly string[]) => {
    const places = codes.map((code) => classes.indexOf(code)).filter((place) => place >= 0);
    return steps.map((step) => Math.min(1, places.reduce((sum, place) => sum + (step[place] ?? 0), 0)));
  };
  const others = classes.filter((code) => code !== 'human' && !MACHINES.includes(code));
  return [
    { code: 'human', values: of(['human']) },
    { code: 'machines', values: of(MACHINES) },
    ...others.map((code) => ({ code, values: of([code]) })).filter(({ values }) => Math.max(0, ...values) >= MATTERS),
  ];
}

/** The step that holds a moment; the last one when it came later. -1 of nothing. */
export function stepAt(at_ms: number, step_ms: number, steps: number): number {
  return Math.min(steps, Math.max(1, Math.ceil(at_ms / step_ms))) - 1;
}

/** Marks of an axis of time: whole seconds, every second one where there are many. */
export function seconds(to_ms: number): number[] {
  const step = to_ms > 8_000 ? 2 : 1;
  return Array.from({ length: Math.floor(to_ms / 1_000 / step) + 1 }, (_, index) => index * step);
}
