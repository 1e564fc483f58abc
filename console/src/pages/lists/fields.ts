/** The fields of a lead that a file can bring; only the number must be there. */
export const FIELDS = ['phone', 'first_name', 'last_name', 'timezone', 'external_id'] as const;
export type Field = (typeof FIELDS)[number];

export function isField(name: string | null | undefined): name is Field {
  return (FIELDS as readonly (string | null | undefined)[]).includes(name);
}
