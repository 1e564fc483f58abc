/**
 * The places of the console. A place appears in the navigation when it stands here; each is a chunk of its own, loaded
 * with its texts. Who may not see a place is not offered it.
 */
import type { ComponentType } from 'react';
import type { Role } from '../api/login';
import type { IconName } from '../parts/icons';
import type resources from '../locales/resources';
import type { Namespace } from './i18n';

export interface Place {
  /** Below base_path, as the router writes it: `campaigns/:name`. */
  path: string;
  /** The page; its module's default export. */
  load: () => Promise<{ default: ComponentType }>;
  texts: Namespace[];
  /** Who may come here. */
  least: Role;
  /** How it stands in the navigation; without it the place is reached from others. */
  nav?: { text: `nav.${keyof (typeof resources)['common']['nav']}`; icon: IconName; group: 'live' | 'work' | 'system' };
  /** The place of the navigation that it belongs to, where its path does not say it. */
  below?: string;
}

export const places: Place[] = [
  {
    path: 'board',
    load: () => import('../pages/board'),
    texts: ['board', 'words'],
    least: 'viewer',
    nav: { text: 'nav.board', icon: 'board', group: 'live' },
  },
  { path: 'board/:campaign', load: () => import('../pages/board/campaign'), texts: ['board', 'words'], least: 'viewer' },
  {
    path: 'calls',
    load: () => import('../pages/calls'),
    texts: ['calls', 'words'],
    least: 'viewer',
    nav: { text: 'nav.calls', icon: 'calls', group: 'live' },
  },
  { path: 'calls/:id', load: () => import('../pages/calls'), texts: ['calls', 'words'], least: 'viewer' },
  {
    path: 'campaigns',
    load: () => import('../pages/campaigns'),
    texts: ['campaigns'],
    least: 'viewer',
    nav: { text: 'nav.campaigns', icon: 'campaigns', group: 'work' },
  },
  { path: 'callbacks', load: () => import('../pages/callbacks'), texts: ['callbacks'], least: 'supervisor', below: 'campaigns' },
  { path: 'campaigns/new', load: () => import('../pages/campaigns/new'), texts: ['campaigns'], least: 'supervisor' },
  { path: 'campaigns/:name', load: () => import('../pages/campaigns/detail'), texts: ['campaigns', 'board'], least: 'viewer' },
  { path: 'campaigns/:name/whatif', load: () => import('../pages/whatif'), texts: ['whatif'], least: 'supervisor' },
  { path: 'campaigns/:name/detection', load: () => import('../pages/detection'), texts: ['detection', 'words'], least: 'viewer' },
  { path: 'campaigns/:name/why', load: () => import('../pages/why'), texts: ['why', 'board'], least: 'viewer' },
  {
    path: 'agents',
    load: () => import('../pages/agents'),
    texts: ['agents'],
    least: 'viewer',
    nav: { text: 'nav.agents', icon: 'agents', group: 'work' },
  },
  {
    path: 'lists',
    load: () => import('../pages/lists'),
    texts: ['lists', 'words'],
    least: 'viewer',
    nav: { text: 'nav.lists', icon: 'lists', group: 'work' },
  },
  { path: 'lists/:name', load: () => import('../pages/lists/list'), texts: ['lists', 'words'], least: 'viewer' },
  { path: 'lists/:name/import', load: () => import('../pages/lists/import'), texts: ['lists', 'words'], least: 'viewer' },
  { path: 'marked-numbers', load: () => import('../pages/marked_numbers'), texts: ['marked_numbers'], least: 'supervisor', below: 'lists' },
  { path: 'number-lists', load: () => import('../pages/number_lists'), texts: ['number_lists'], least: 'viewer', below: 'lists' },
  {
    path: 'contacts',
    load: () => import('../pages/contacts'),
    texts: ['contacts', 'words'],
    least: 'supervisor',
    nav: { text: 'nav.contacts', icon: 'contacts', group: 'work' },
  },
  { path: 'contacts/:id', load: () => import('../pages/contacts/contact'), texts: ['contacts', 'attempt', 'words'], least: 'supervisor' },
  {
    path: 'results',
    load: () => import('../pages/results'),
    texts: ['results', 'attempt', 'words'],
    least: 'supervisor',
    nav: { text: 'nav.results', icon: 'results', group: 'work' },
  },
  {
    path: 'listening',
    load: () => import('../pages/listening'),
    texts: ['listening', 'words'],
    least: 'supervisor',
    nav: { text: 'nav.listening', icon: 'listening', group: 'work' },
  },
  { path: 'reports/:campaign', load: () => import('../pages/report'), texts: ['report', 'words'], least: 'viewer' },
  {
    path: 'tokens',
    load: () => import('../pages/access'),
    texts: ['access'],
    least: 'admin',
    nav: { text: 'nav.tokens', icon: 'tokens', group: 'system' },
  },
  { path: 'account', load: () => import('../pages/account'), texts: ['account'], least: 'viewer' },
  {
    path: 'trunks',
    load: () => import('../pages/trunks'),
    texts: ['trunks'],
    least: 'viewer',
    nav: { text: 'nav.trunks', icon: 'trunks', group: 'system' },
  },
  { path: 'trunks/new', load: () => import('../pages/trunks/new'), texts: ['trunks'], least: 'admin' },
  { path: 'trunks/:name', load: () => import('../pages/trunks/detail'), texts: ['trunks'], least: 'viewer' },
  {
    path: 'routes',
    load: () => import('../pages/routes'),
    texts: ['routes'],
    least: 'admin',
    nav: { text: 'nav.routes', icon: 'routes', group: 'system' },
  },
  {
    path: 'settings',
    load: () => import('../pages/settings'),
    texts: ['settings'],
    least: 'admin',
    nav: { text: 'nav.settings', icon: 'settings', group: 'system' },
  },
  {
    path: 'health',
    load: () => import('../pages/health'),
    texts: ['health', 'board'],
    least: 'viewer',
    nav: { text: 'nav.health', icon: 'health', group: 'system' },
  },
  {
    path: 'audit',
    load: () => import('../pages/audit'),
    texts: ['audit', 'words'],
    least: 'admin',
    nav: { text: 'nav.audit', icon: 'audit', group: 'system' },
  },
];
