/** What the pages of contacts share. */
import { queryClient } from '../../api/query';

export function contactKey(id: number) {
  return ['contact', id] as const;
}

/** After a change: the card and what was found are read anew. */
export async function changed(id: number): Promise<void> {
  void queryClient.invalidateQueries({ queryKey: ['contacts'] });
  await queryClient.invalidateQueries({ queryKey: contactKey(id) });
}

export function fullName(contact: { first_name?: string | null; last_name?: string | null }): string {
  return [contact.first_name, contact.last_name].filter(Boolean).join(' ');
}
