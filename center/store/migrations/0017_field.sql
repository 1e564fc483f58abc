-- What calls in the field have shown (see marks.rs, recordings.rs, amd.rs). In the SQL that both databases share.

-- Numbers at which nobody is to be reached, by the last call that showed it; a row that is gone was lifted.
CREATE TABLE number_mark (
    tenant_id   BIGINT NOT NULL REFERENCES tenant (tenant_id),
    number      TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaign (campaign_id),
    attempt_id  BIGINT NOT NULL,
    at_us       BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, number)
) WITHOUT ROWID;

-- Fixed recordings that answered on several numbers, as fingerprints. No number stands here.
CREATE TABLE amd_recording (
    tenant_id    BIGINT NOT NULL REFERENCES tenant (tenant_id),
    recording_id TEXT   NOT NULL,
    format       TEXT   NOT NULL,
    line         TEXT   NOT NULL,
    learnt_us    BIGINT NOT NULL,
    met          BIGINT NOT NULL DEFAULT 0,
    met_us       BIGINT,
    PRIMARY KEY (tenant_id, recording_id)
) WITHOUT ROWID;

-- An agent had the call and has said what answered: routing chose it, not whoever labels.
ALTER TABLE amd_evidence ADD COLUMN routed BIGINT NOT NULL DEFAULT 0;
UPDATE amd_evidence SET routed = 1 WHERE EXISTS (
    SELECT 1 FROM amd_label l WHERE l.attempt_id = amd_evidence.attempt_id AND l.source = 'agent'
);
-- The number goes with the evidence. What had none is kept as long as others by default, 90 days.
UPDATE amd_evidence SET kept_until_us = at_us + 7776000000000 WHERE kept_until_us IS NULL;

-- Pages of the queue.
CREATE INDEX amd_evidence_of_campaign ON amd_evidence (tenant_id, campaign_id, attempt_id);
CREATE INDEX amd_evidence_labelled ON amd_evidence (tenant_id, attempt_id) WHERE answered IS NOT NULL;
