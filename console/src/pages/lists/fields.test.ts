import { expect, it } from 'vitest';
import { LIST_NAME } from './fields';

it('a list may be called in any script', () => {
  for (const name of ['spring-2026', 'März', '春', 'a.b_c', 'x'.repeat(64)]) expect(LIST_NAME.test(name), name).toBe(true);
  for (const name of ['', 'two words', 'a/b', 'x'.repeat(65), 'a\n', '☎']) expect(LIST_NAME.test(name), name).toBe(false);
});
