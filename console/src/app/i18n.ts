/**
 * Texts. One file a page and language (`locales/en/board.json`), loaded with the page; a language is complete when
 * `locales.test.ts` says so, and is offered as soon as its folder is there. The wrapped library is i18next.
 */
import i18next, { type BackendModule } from 'i18next';
import { initReactI18next } from 'react-i18next';
import type resources from '../locales/resources';

const FALLBACK = 'en';
const KEPT = 'outpace-language';

const files = import.meta.glob<{ default: object }>('../locales/*/*.json');

/** Languages that are there. */
export const languages = [...new Set(Object.keys(files).map((path) => path.split('/')[2] ?? FALLBACK))].sort();

const backend: BackendModule = {
  type: 'backend',
  init: () => {},
  read(language, namespace, done) {
    const load = files[`../locales/${language}/${namespace}.json`];
    if (!load) done(new Error(`no texts ${language}/${namespace}`), false);
    else load().then((file) => done(null, file.default as Record<string, string>), (error: unknown) => done(error as Error, false));
  },
};

function preferred(): string {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    // A browser that keeps nothing follows its own language.
  }
  const wanted = [kept, ...navigator.languages].filter((language) => language !== null);
  const found = wanted.map((language) => language.split('-')[0] ?? '').find((language) => languages.includes(language));
  return found ?? FALLBACK;
}

export const i18n = i18next.use(backend).use(initReactI18next);

export async function startTexts(): Promise<void> {
  await i18n.init({
    lng: preferred(),
    fallbackLng: FALLBACK,
    supportedLngs: languages,
    ns: ['common'],
    defaultNS: 'common',
    interpolation: { escapeValue: false }, // React escapes.
    returnNull: false,
  });
  document.documentElement.lang = i18n.language;
  i18n.on('languageChanged', (language) => {
    document.documentElement.lang = language;
  });
}

/** Changes the language and keeps it. */
export async function speak(language: string): Promise<void> {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // Then for this visit.
  }
  await i18n.changeLanguage(language);
}

export type Namespace = keyof typeof resources;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common';
    resources: typeof resources;
  }
}
