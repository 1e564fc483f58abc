/** INTERIM shapes until docs/openapi.json has them. */
import type { Thing } from './client';
export type Import = Thing<'Import'> & { bytes: number; bytes_total: number; dry_run: boolean; reasons: Record<string, number> };
export type RejectedRow = { line: number; field: string; value: string; reason: string };
export type Preview = {
  delimiter: string; encoding: string; region: string; missing: string[];
  columns: { name: string; samples: string[]; field?: string | null }[];
  rows: { line: number; fields: Record<string, string>; fault?: { field: string; value: string; reason: string } | null; note?: string | null }[];
};
export type Contact = {
  id: number; first_name?: string | null; last_name?: string | null; numbers: string[]; external_id?: string | null; timezone?: string | null;
  lists: string[]; last_attempt_us?: number | null; do_not_call: boolean;
};
export type SuppressionEntry = { id: number; number: string; action: string; campaign?: string | null; reason: string; source: string; at_us: number; until_us?: number | null };
export type ContactLead = { id: number; list?: string | null; number: string; state: string; attempt_number: number; next_at_us?: number | null; last_outcome?: string | null };
export type ContactDetail = Contact & {
  consents: Thing<'Consent'>[]; suppressions: SuppressionEntry[]; leads: ContactLead[]; attempts: Thing<'Attempt'>[];
  dispositions: { attempt?: number | null; code: string; person?: boolean | null; note?: string | null; at_us: number; agent?: string | null }[];
};
export type Tallies = { attempts: number; answered: number; connected: number; abandoned: number; machines: number; talk_s: number };
export type Segment = Tallies & { key: string };
export type Hour = Tallies & { at_us: number };
export type Report = Tallies & {
  campaign: string; open: number; outcomes: Record<string, number>; abandon_rate: number; hours: Hour[];
  segments: { attempt_number: Segment[]; timezone: Segment[]; trunk: Segment[]; list: Segment[] };
  agents: { agent: string; connected: number; talk_s: number }[]; dispositions: Record<string, number>;
  cost: { amount: number; currency: string; minutes: number; unpriced_calls: number; per_connected?: number | null };
};
