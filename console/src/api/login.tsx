/** Who is logged in, and how one logs in and out. The login itself is a cookie that no script can read. */
import { createContext, useContext } from 'react';
import { forgetBoards } from './boards';
import { api, data, onLoginEnded, type Thing } from './client';
import { startEvents, stopEvents } from './events';
import { Problem } from './problem';
import { queryClient } from './query';
import { createStore } from './store';

export type Role = Thing<'Role'>;

/** Who is logged in. */
export type Who = Thing<'WhoAmI'>;

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

const leaving = new Set<() => void>();

/** Tells when a login ends: what belongs to it (dialogs, words, drafts) must not stand before the next person. */
export function onLeave(listener: () => void): () => void {
  leaving.add(listener);
  return () => leaving.delete(listener);
}

function leave(ended: boolean): void {
  stopEvents();
  queryClient.clear();
  forgetBoards();
  leaving.forEach((listener) => listener());
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
    if (token !== null) enter(await data(api.POST('/api/v1/login', { body: { token } })));
    else enter(await data(api.GET('/api/v1/whoami')));
  } catch (error) {
    if (error instanceof Problem && error.code !== 0 && error.code < 500) loginState.set({ kind: 'out', ended: token !== null });
    else loginState.set({ kind: 'unknown', problem: error instanceof Problem ? error : Problem.unreachable() });
  }
}

/** Logs in; throws the {@link Problem} when the server refuses. */
export async function logIn(body: { token: string } | { name: string; password: string }): Promise<void> {
  enter(await data(api.POST('/api/v1/login', { body })));
}

/** Logs out here. */
export async function logOut(): Promise<void> {
  await data(api.POST('/api/v1/logout'));
  leave(false);
}

/** Ends all logins of this account or token, this one too. */
export async function logOutEverywhere(): Promise<void> {
  await data(api.DELETE('/api/v1/logins'));
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
