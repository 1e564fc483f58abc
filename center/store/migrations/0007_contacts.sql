-- Persons. A lead belongs to the contact that has its number: numbers are unique, so no column of the lead says it a
-- second time and nothing can disagree. What is asked by people (search) has indexes of its own.

-- Clustered by its key, which the importer takes from contact_tally: no index beside the row.
CREATE TABLE contact (
    tenant_id   INTEGER NOT NULL REFERENCES tenant (tenant_id),
    contact_id  BIGINT  NOT NULL,
    first_name  TEXT,
    last_name   TEXT,
    timezone    TEXT,
    external_id TEXT,
    words       TEXT    NOT NULL,
    created_us  BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, contact_id)
) WITHOUT ROWID;

-- tail: the digits from the last to the first, so that the end of a number is the front of a text.
CREATE TABLE contact_number (
    tenant_id  INTEGER NOT NULL,
    number     TEXT    NOT NULL,
    contact_id BIGINT  NOT NULL,
    tail       TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, number),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX contact_number_by_contact ON contact_number (tenant_id, contact_id);
CREATE INDEX contact_number_by_tail ON contact_number (tenant_id, tail);

-- The folded words of a contact's names and its external id, one row each.
CREATE TABLE contact_word (
    tenant_id  INTEGER NOT NULL,
    word       TEXT    NOT NULL,
    contact_id BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, word, contact_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, contact_id)
) WITHOUT ROWID;

-- made: contacts so far, and the last id given. Leads that are older than this table get their contacts in batches:
-- those up to leads_done have them, those after leads_end got them at their import.
CREATE TABLE contact_tally (
    tenant_id  INTEGER NOT NULL PRIMARY KEY REFERENCES tenant (tenant_id),
    made       BIGINT  NOT NULL DEFAULT 0,
    leads_done BIGINT  NOT NULL DEFAULT 0,
    leads_end  BIGINT  NOT NULL DEFAULT 0
);
INSERT INTO contact_tally (tenant_id, leads_end) SELECT tenant_id, MAX(lead_id) FROM lead GROUP BY tenant_id;

-- Results are asked by trunk, too.
CREATE INDEX attempt_by_trunk ON attempt (tenant_id, trunk, attempt_id);
CREATE INDEX cdr_by_trunk ON cdr (tenant_id, trunk, call_id);

-- Imports: how much of the file is read, whether it is a rehearsal, and why lines were refused (JSON: reason to count).
ALTER TABLE import_job ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import_job ADD COLUMN bytes_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import_job ADD COLUMN dry_run BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import_job ADD COLUMN reasons TEXT NOT NULL DEFAULT '{}';
ALTER TABLE import_reject ADD COLUMN field TEXT NOT NULL DEFAULT '';
