-- Leads that go on to the next number of their contact, and leads that are dialled by the age of their last attempt.

-- dial_number: the number of the contact that is dialled now, where that is not the lead's own.
ALTER TABLE lead ADD COLUMN dial_number TEXT DEFAULT NULL;

-- place: in which order a contact's numbers are dialled; 0 for the one that it was made with.
ALTER TABLE contact_number ADD COLUMN place BIGINT NOT NULL DEFAULT 0;

-- Leads that wait, by their last attempt; those without one first, as in neither database by itself.
CREATE INDEX lead_rested ON lead (tenant_id, list_id, (COALESCE(last_attempt_us, 0)), lead_id) WHERE state = 'waiting';
