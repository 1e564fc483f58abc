/**
 * Every request to the server goes through here: typed by the API's own document, with the header that proves it comes
 * from the console, and with each refusal as a {@link Problem}.
 */
import createClient, { type Middleware } from 'openapi-fetch';
import { Problem } from './problem';
import type { components, paths } from './schema';

/** The things of the API, by the names of its document: `Thing<'CampaignView'>`. */
export type Thing<Name extends keyof components['schemas']> = components['schemas'][Name];

/** Where console and API stand, ending in `/`. */
export const base = new URL('./', document.baseURI);
/** The path of it without its last `/`, as the router wants it. */
export const basePath = base.pathname.replace(/\/$/, '');

/** A header that no form and no other site can send: with it the server believes the login's cookie for changes. */
export const OURS = { 'X-Outpace-Console': '1' };

const ended = new Set<() => void>();

/** Calls back when the server no longer knows the login. */
export function onLoginEnded(listener: () => void): () => void {
  ended.add(listener);
  return () => ended.delete(listener);
}

/** A login ended: told by any answer 401. */
export function loginEnded(): void {
  ended.forEach((listener) => listener());
}

const refusals: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    const problem = await Problem.of(response);
    if (problem.code === 401) loginEnded();
    throw problem;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    return Problem.unreachable();
  },
};

/** A try that got no answer: whether it was done nobody knows. Only the last one is kept. */
let unanswered: { what: string; key: string; until_ms: number } | null = null;
/** Who tries again after this wants it anew. */
const SAME_TRY_MS = 60_000;

/**
 * What a form makes is made once, however often somebody presses: the same request again, after a try without an answer,
 * carries the key of that try, and the server gives the first answer instead of doing it twice. Only the login has none.
 */
const once: Middleware = {
  async onRequest({ request, schemaPath }) {
    if (request.method !== 'POST' || schemaPath === '/api/v1/login') return;
    const body = await request.clone().text();
    if (body === '') return;
    const what = `${request.url}\n${body}`;
    const again = unanswered?.what === what && Date.now() < unanswered.until_ms ? unanswered : null;
    unanswered = { what, key: again?.key ?? keyOfTry(), until_ms: Date.now() + SAME_TRY_MS };
    request.headers.set('Idempotency-Key', unanswered.key);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status < 500 && request.headers.get('Idempotency-Key') === unanswered?.key) unanswered = null;
  },
};

/** `crypto.randomUUID` is there on https alone. */
function keyOfTry(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `await data(api.GET('/api/v1/campaigns'))`. */
export const api = createClient<paths>({ baseUrl: base.href.replace(/\/$/, ''), headers: OURS, fetch: (request) => fetch(request) });
// Answers pass the last one first: it must see refusals before they are thrown.
api.use(refusals, once);

/** The body of an answer that is ok; a refusal was thrown before. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** A request that openapi-fetch has no shape for: bodies that are no JSON, streams, addresses given by `next`. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(OURS)) headers.set(name, value);
  let response: Response;
  try {
    response = await fetch(address(path), { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw Problem.unreachable();
  }
  if (!response.ok) {
    const problem = await Problem.of(response);
    if (problem.code === 401) loginEnded();
    throw problem;
  }
  return response;
}

/** The address of an operation's path, for links to files and for {@link send}. `next` of a page begins with base_path already. */
export function address(path: string): string {
  const below = basePath && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
  return new URL(below.replace(/^\//, ''), base).href;
}

/** A page of a list, and the one behind it. */
export interface Page<T> {
  items: T[];
  next?: string | null;
}

/** The page that `next` names. */
export async function nextPage<T>(next: string): Promise<Page<T>> {
  return (await send(next)).json() as Promise<Page<T>>;
}
