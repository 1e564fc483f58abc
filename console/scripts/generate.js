// Writes the types of the API out of its own document.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
// Operations stand at their paths: a name of their own would only be another way to them, and names may meet.
for (const path of Object.values(document.paths)) for (const operation of Object.values(path)) delete operation.operationId;
writeFileSync(new URL('../src/api/schema.d.ts', import.meta.url), astToString(await openapiTS(document)));
