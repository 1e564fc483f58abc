/** Sending a form: busy while it goes, faults at their fields, the first of them in focus, the rest in one place. */
import type { UseFormReturnType } from '@mantine/form';
import { useState } from 'react';
import { Problem, type FieldFault } from '../api/problem';

export interface Saving {
  busy: boolean;
  /** What was refused and stands at no field; for `ErrorNote`. */
  error: unknown;
  /** Its faults that belong to no field of the form. */
  rest: FieldFault[];
  /** Runs a request; true when it went well. */
  save: (run: () => Promise<unknown>) => Promise<boolean>;
}

/** `fields` are the form's own names in the order in which they stand on the page. */
export function useSaving<Values extends object>(form: UseFormReturnType<Values>, fields: readonly string[]): Saving {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [rest, setRest] = useState<FieldFault[]>([]);
  const save = async (run: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    setRest([]);
    form.clearErrors();
    try {
      await run();
      return true;
    } catch (problem) {
      const faults = problem instanceof Problem ? problem.byField(fields) : { errors: {}, rest: [] };
      form.setErrors(faults.errors);
      const first = fields.find((field) => field in faults.errors);
      // The field is drawn with its fault first.
      if (first !== undefined) requestAnimationFrame(() => form.getInputNode(first)?.focus());
      if (first === undefined || faults.rest.length > 0) setError(problem);
      setRest(faults.rest);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, rest, save };
}
