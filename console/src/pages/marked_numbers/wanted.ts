/** The number that was typed, as the API writes it (E.164); `null` while it is none. */
export function wanted(typed: string): string | null {
  const number = typed.replaceAll(/[\s()./-]/g, '');
  return /^\+[1-9]\d{6,14}$/.test(number) ? number : null;
}
