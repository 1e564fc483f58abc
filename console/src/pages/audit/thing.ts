/** To what an operation was done: what stands in its path for the first `{…}`. */
export function thingOf(action: string, target: string): string {
  const template = action.split(' ')[1] ?? '';
  const at = template.split('/').findIndex((part) => part.startsWith('{'));
  if (at < 0) return '';
  // A base path may stand before.
  const parts = target.split('/');
  const part = parts[parts.length - template.split('/').length + at] ?? '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
