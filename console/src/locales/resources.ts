/** The shape of all texts, for the compiler alone: a key that is not there does not compile. Add a page's file here. */
import type access from './en/access.json';
import type account from './en/account.json';
import type agents from './en/agents.json';
import type attempt from './en/attempt.json';
import type audit from './en/audit.json';
import type board from './en/board.json';
import type calls from './en/calls.json';
import type campaigns from './en/campaigns.json';
import type common from './en/common.json';
import type contacts from './en/contacts.json';
import type health from './en/health.json';
import type lists from './en/lists.json';
import type login from './en/login.json';
import type report from './en/report.json';
import type results from './en/results.json';
import type routes from './en/routes.json';
import type settings from './en/settings.json';
import type trunks from './en/trunks.json';
import type whatif from './en/whatif.json';
import type why from './en/why.json';
import type words from './en/words.json';

declare const resources: {
  access: typeof access;
  account: typeof account;
  agents: typeof agents;
  attempt: typeof attempt;
  audit: typeof audit;
  board: typeof board;
  calls: typeof calls;
  campaigns: typeof campaigns;
  common: typeof common;
  contacts: typeof contacts;
  health: typeof health;
  lists: typeof lists;
  login: typeof login;
  report: typeof report;
  results: typeof results;
  routes: typeof routes;
  settings: typeof settings;
  trunks: typeof trunks;
  whatif: typeof whatif;
  why: typeof why;
  words: typeof words;
};

export default resources;
