// The first 2,000 boards of the day; `npm run soak:heap` plays all of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROWTH_MAX_BYTES, replay } from './heap.js';

test('2,000 boards leave nothing behind', async () => {
  const { marks, growth, faults } = await replay({ updates: 2_000 });
  assert.deepEqual(faults, []);
  assert.ok(growth < GROWTH_MAX_BYTES, `grown by ${growth} bytes: ${marks.join(', ')}`);
});
