/** What the API refuses with (RFC 9457), as an error that the whole console understands. */

export interface FieldFault {
  field: string;
  what: string;
  mend: string;
}

/** The word of `urn:outpace:problem:WORD`; `unreachable` is our own: no answer came at all. */
export class Problem extends Error {
  readonly kind: string;
  readonly title: string;
  readonly code: number;
  readonly detail: string;
  readonly faults: FieldFault[];

  constructor(kind: string, title: string, code: number, detail: string, faults: FieldFault[] = []) {
    super(detail || title);
    this.name = 'Problem';
    this.kind = kind;
    this.title = title;
    this.code = code;
    this.detail = detail;
    this.faults = faults;
  }

  /** Of an answer that is not ok. Something before the server (a proxy) may answer with anything. */
  static async of(response: Response): Promise<Problem> {
    try {
      const body: unknown = await response.clone().json();
      if (isRecord(body) && typeof body.type === 'string') {
        const kind = body.type.replace(/^urn:outpace:problem:/, '');
        const faults = Array.isArray(body.errors) ? body.errors.filter(isFault) : [];
        return new Problem(kind, text(body.title), response.status, text(body.detail), faults);
      }
    } catch {
      // No JSON: told by its number below.
    }
    return new Problem('other', response.statusText, response.status, '');
  }

  static unreachable(): Problem {
    return new Problem('unreachable', '', 0, '');
  }

  /**
   * Faults by field, for `form.setErrors`, and those of no field. `fields` are the form's own names; a fault of
   * `numbers[2]` or `numbers.2` belongs to `numbers`.
   */
  byField(fields: readonly string[]): { errors: Record<string, string>; rest: FieldFault[] } {
    const errors: Record<string, string> = {};
    const rest: FieldFault[] = [];
    for (const fault of this.faults) {
      const field = fields.find((name) => fault.field === name || fault.field.startsWith(`${name}.`) || fault.field.startsWith(`${name}[`));
      if (field === undefined) rest.push(fault);
      else errors[field] = errors[field] ?? sentence(fault);
    }
    return { errors, rest };
  }
}

/** "… is no trunk, did you mean …?" as one line below a field. */
export function sentence(fault: FieldFault): string {
  return fault.mend ? `${fault.what}: ${fault.mend}` : fault.what;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFault(value: unknown): value is FieldFault {
  return isRecord(value) && ['field', 'what', 'mend'].every((key) => typeof value[key] === 'string');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
