/** Who is logged in, and how one logs in and out. The login itself is a cookie that no script can read. */
import { createContext, useContext } from 'react';
import { api, data, onLoginEnded, send } from './client';
import { startEvents, stopEvents } from './events';
import { Problem } from './problem';
import { queryClient } from './query';
import type { Thing } from './client';
import { createStore } from './store';

export type Role = Thing<'Role'>;

/** Who is logged in. */
export interface Who {
  name: string;
  role: Role;
  kind?: 'token' | 'account';
  /** The agent that an account of role agent is bound to. */
  agent?: string | null;
  version?: string;
  demo?: boolean;
  expires_us?: number | null;
}

export type LoginState =
  | { kind: 'looking' }
  /** `ended`: there was a login, and it ended by itself. */
  | { kind: 'out'; ended: boolean }
  | { kind: 'in'; who: Who }
  /** Nobody can say: the server gives no answer. */
  | { kind: 'unknown'; problem: Problem };

export const loginState = createStore<LoginState>({ kind: 'looking' });

const ROLES: readonly Role[] = ['viewer', 'agent', 'supervisor', 'admin'];

/** A role may all that the ones before it may. */
export function may(who: Who, least: Role): boolean {
  return ROLES.indexOf(who.role) >= ROLES.indexOf(least);
}

function enter(who: Who): void {
  loginState.set({ kind: 'in', who });
  startEvents();
}

function leave(ended: boolean): void {
  stopEvents();
  queryClient.clear();
  loginState.set({ kind: 'out', ended });
}

onLoginEnded(() => {
  if (loginState.get().kind === 'in') leave(true);
});

/**
 * The one-time token of `http://…/#token=op_…`, taken out of the address bar and of the history before anything else
 * can read or keep it.
 */
export function takeToken(): string | null {
  const match = /^#token=([\w-]+)$/.exec(window.location.hash);
  if (!match) return null;
  window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search);
  return match[1] ?? null;
}

/** At the start: logs in with a token from the address, else asks whether the cookie of the last visit still counts. */
export async function findLogin(token: string | null): Promise<void> {
  loginState.set({ kind: 'looking' });
  try {
    if (token !== null) enter(await post({ token }));
    else enter(await data(api.GET('/api/v1/whoami')));
  } catch (error) {
    if (error instanceof Problem && error.code !== 0 && error.code < 500) loginState.set({ kind: 'out', ended: token !== null });
    else loginState.set({ kind: 'unknown', problem: error instanceof Problem ? error : Problem.unreachable() });
  }
}

async function post(body: { token: string } | { name: string; password: string }): Promise<Who> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  return (await send('api/v1/login', init)).json() as Promise<Who>;
}

/** Logs in; throws the {@link Problem} when the server refuses. */
export async function logIn(body: { token: string } | { name: string; password: string }): Promise<void> {
  enter(await post(body));
}

/** Logs out here. */
export async function logOut(): Promise<void> {
  await send('api/v1/logout', { method: 'POST' });
  leave(false);
}

/** Ends all logins of this account or token, this one too. */
export async function logOutEverywhere(): Promise<void> {
  await send('api/v1/logins', { method: 'DELETE' });
  leave(false);
}

const WhoContext = createContext<Who | null>(null);
export const WhoProvider = WhoContext.Provider;

/** Who is logged in; only below the shell, where somebody is. */
export function useWho(): Who {
  const who = useContext(WhoContext);
  if (!who) throw new Error('useWho stands outside of a login');
  return who;
}

/** Whether the one who is logged in may do what needs this role. */
export function useMay(least: Role): boolean {
  return may(useWho(), least);
}
