/**
 * The import that is being prepared: one for the whole console, kept while one looks at another page. The file itself
 * stays in the browser until it is sent.
 */
import { onLeave } from '../../api/login';
import { createStore } from '../../api/store';
import { FIELDS, type Field } from './fields';

/** As the server takes it. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** The preview is made of so much of the file; it needs a header and some rows. */
export const PREVIEW_BYTES = 256 * 1024;

export interface Draft {
  list: string;
  file: File;
  region: string;
  /** What the file is saved in; `null`: as the server finds out. */
  encoding: string | null;
  /** Columns of fields as chosen by hand; `null`: as the server suggests. */
  chosen: Partial<Record<Field, string>> | null;
  /** What was sent to be rehearsed, to be imported alike. */
  map?: string;
}

export const draft = createStore<Draft | null>(null);
// The file of one person is nothing for the next.
onLeave(() => draft.set(null));

/** What files of phone numbers are saved in, by the names of the Encoding standard; the server knows all of it. */
export const ENCODINGS = [
  'utf-8', 'utf-16le', 'utf-16be', 'windows-1250', 'windows-1251', 'windows-1252', 'windows-1253', 'windows-1254', 'windows-1255', 'windows-1256',
  'windows-1257', 'windows-1258', 'iso-8859-2', 'iso-8859-15', 'macintosh', 'windows-874', 'big5', 'euc-kr', 'gb18030', 'shift_jis',
] as const;

/** How the file is to be read, as the API wants it. */
export function readingOf(draft: Draft): URLSearchParams {
  return new URLSearchParams({ region: draft.region, ...(draft.encoding !== null && { encoding: draft.encoding }) });
}

/** `FIELD=COLUMN` with commas between, as the API wants the map; a field without a column is named too, so that none is guessed. */
export function mapText(columns: Partial<Record<Field, string>>): string {
  return FIELDS.map((field) => `${field}=${columns[field] ?? ''}`).join(',');
}

export type FileFault = 'empty' | 'large' | 'workbook';

/** What is wrong with a file before anything is sent. */
export async function faultOf(file: File): Promise<FileFault | null> {
  if (file.size === 0) return 'empty';
  if (file.size > FILE_BYTES_MAX) return 'large';
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const begins = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte);
  // A zip (xlsx, ods, numbers) or an old Excel file: no text at all, whatever its name says.
  return begins(0x50, 0x4b, 0x03, 0x04) || begins(0xd0, 0xcf, 0x11, 0xe0) ? 'workbook' : null;
}
