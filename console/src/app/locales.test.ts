/** Each language has each text, with the plural forms that it needs; and no text stands outside of the files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const LOCALES = join(__dirname, '../locales');
const languages = readdirSync(LOCALES, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const PLURAL = /_(zero|one|two|few|many|other)$/;

function flat(value: object, front = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]) => (typeof inner === 'string' ? [[front + key, inner] as [string, string]] : flat(inner as object, `${front}${key}.`)));
}

function texts(language: string): Map<string, string> {
  const files = readdirSync(join(LOCALES, language));
  return new Map(files.flatMap((file) => flat(JSON.parse(readFileSync(join(LOCALES, language, file), 'utf8')) as object, `${file}:`)));
}

const places = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).sort();

describe.each(languages)('texts in %s', (language) => {
  const own = texts(language);
  const english = texts('en');
  const stem = (key: string) => key.replace(PLURAL, '');

  it('have the keys of English', () => {
    expect([...new Set([...own.keys()].map(stem))].sort()).toEqual([...new Set([...english.keys()].map(stem))].sort());
  });

  it('have each plural form of the language', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const counted = new Set([...english.keys()].filter((key) => PLURAL.test(key)).map(stem));
    const missing = [...counted].flatMap((key) => forms.map((form) => `${key}_${form}`)).filter((key) => !own.has(key));
    expect(missing).toEqual([]);
  });

  it('say something, and name what English names', () => {
    for (const [key, text] of own) {
      expect(text.trim(), key).not.toBe('');
      const model = english.get(key) ?? english.get(`${stem(key)}_other`);
      if (model) expect(places(text), key).toEqual(places(model));
    }
  });
});

describe('the code', () => {
  const source = join(__dirname, '..');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tsx') && !file.endsWith('.test.tsx'));
  /** Names that are the same in all languages. */
  const NAMES = /^(Outpace|SVG|PNG|outpace [a-z ]+|[^\p{L}]*)$/u;
  const SPOKEN = ['aria-label', 'title', 'placeholder', 'label', 'description', 'alt', 'text'];

  it('speaks through the files alone', () => {
    const found: string[] = [];
    for (const file of files) {
      const tree = ts.createSourceFile(file, readFileSync(join(source, file), 'utf8'), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
      const visit = (node: ts.Node): void => {
        if (ts.isJsxText(node) && !NAMES.test(node.text.trim())) found.push(`${file}: ${node.text.trim()}`);
        if (ts.isJsxAttribute(node) && SPOKEN.includes(node.name.getText()) && node.initializer && ts.isStringLiteral(node.initializer) && !NAMES.test(node.initializer.text)) {
          found.push(`${file}: ${node.getText()}`);
        }
        ts.forEachChild(node, visit);
      };
      visit(tree);
    }
    expect(found).toEqual([]);
  });
});
