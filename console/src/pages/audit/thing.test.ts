import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import texts from '../../locales/en/audit.json';
import { thingOf } from './thing';

describe('thingOf', () => {
  it.each([
    ['POST /api/v1/campaigns/{name}/start', '/api/v1/campaigns/spring/start', 'spring'],
    ['POST /api/v1/campaigns/{name}/start', '/dial/api/v1/campaigns/a%2Fb%20c/start', 'a/b c'],
    ['DELETE /api/v1/contacts/{id}/numbers/{number}', '/api/v1/contacts/7/numbers/%2B1212', '7'],
    ['POST /api/v1/campaigns', '/api/v1/campaigns', ''],
    ['DELETE /api/v1/tokens/{id}', '/api/v1/tokens/%E0%A4%A', '%E0%A4%A'],
  ])('%s of %s', (action, target, thing) => {
    expect(thingOf(action, target)).toBe(thing);
  });
});

describe('the words of the audit log', () => {
  it('know each operation that changes something', () => {
    const document = JSON.parse(readFileSync(join(__dirname, '../../../../docs/openapi.json'), 'utf8')) as { paths: Record<string, Record<string, unknown>> };
    const changing = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).filter((method) => ['post', 'put', 'patch', 'delete'].includes(method)).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(changing.length).toBeGreaterThan(20);
    expect(changing.filter((action) => !(action in texts.action))).toEqual([]);
  });
});
