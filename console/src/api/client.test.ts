import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { api } from './client';

const keys: (string | null)[] = [];
let answer: number | 'none' = 201;

beforeEach(() => {
  vi.useFakeTimers();
  keys.splice(0);
  vi.stubGlobal('fetch', (request: Request) => {
    keys.push(request.headers.get('Idempotency-Key'));
    if (answer === 'none') return Promise.reject(new TypeError('no network'));
    return Promise.resolve(new Response('{}', { status: answer, headers: { 'Content-Type': 'application/json' } }));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const make = (name: string, code: number | 'none') => {
  answer = code;
  return api.POST('/api/v1/lists', { body: { name } }).catch(() => {});
};

it('the same form sent again after no answer carries the same key; after an answer, changed, or much later another', async () => {
  await make('a', 'none');
  await make('a', 503);
  await make('a', 201);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(keys).size).toBe(1);
  await make('a', 422);
  await make('a', 'none');
  await make('b', 'none');
  vi.advanceTimersByTime(61_000);
  await make('b', 201);
  expect(new Set(keys).size).toBe(5);
});

it('what has no body and the login carry none', async () => {
  answer = 200;
  await api.GET('/api/v1/lists');
  await api.POST('/api/v1/login', { body: { token: 'op_x' } });
  await api.POST('/api/v1/campaigns/{name}/pause', { params: { path: { name: 'a' } } });
  expect(keys).toEqual([null, null, null]);
});
