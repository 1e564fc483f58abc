/** The fields of a lead that a file can bring; only the number must be there. */
export const FIELDS = ['phone', 'phone2', 'phone3', 'phone4', 'first_name', 'last_name', 'timezone', 'external_id', 'segment', 'region', 'priority'] as const;
export type Field = (typeof FIELDS)[number];

export function isField(name: string | null | undefined): name is Field {
  return (FIELDS as readonly (string | null | undefined)[]).includes(name);
}

/** A list's name, as the server checks it: letters and digits of any script. */
export const LIST_NAME = /^[\p{L}\p{N}_.-]{1,64}$/u;
