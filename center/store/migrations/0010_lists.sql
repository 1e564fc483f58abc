-- Lists of millions: what leads are chosen and ordered by, hoppers that read the next ones without walking the list, and
-- what people search by written in the order of its keys.

-- region: where the person lives, as the list's owner writes it; priority: larger ones come first.
ALTER TABLE lead ADD COLUMN segment TEXT DEFAULT NULL;
ALTER TABLE lead ADD COLUMN region TEXT DEFAULT NULL;
ALTER TABLE lead ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;

-- Leads that were never dialled, by zone, so that those of an open zone are found past millions of a closed one; and
-- leads that wait, by their moment.
CREATE INDEX lead_fresh ON lead (tenant_id, list_id, timezone, priority, lead_id) WHERE state = 'new';
CREATE INDEX lead_due ON lead (tenant_id, list_id, next_at_us, lead_id) WHERE state = 'waiting';

-- A number is looked up by (tenant, list, number) on every list: one index less whose pages an import touches at random.
DROP INDEX lead_by_number;

-- Search words and ends of numbers are written for many contacts at once, in the order of their keys: contacts up to
-- indexed have theirs; rewrites counts changes of contacts beyond it. analyzed: the last lead when the planner's figures
-- were taken.
ALTER TABLE contact_tally ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contact_tally ADD COLUMN rewrites BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contact_tally ADD COLUMN analyzed BIGINT NOT NULL DEFAULT 0;
UPDATE contact_tally SET indexed = made;

CREATE TABLE contact_tail (
    tenant_id  INTEGER NOT NULL,
    tail       TEXT    NOT NULL,
    contact_id BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, tail)
) WITHOUT ROWID;
INSERT INTO contact_tail SELECT tenant_id, tail, contact_id FROM contact_number ORDER BY tenant_id, tail;
DROP INDEX contact_number_by_tail;
