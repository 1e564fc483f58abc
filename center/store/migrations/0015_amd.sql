-- What answer detection heard and said of each call, and what answered after all (see amd.rs). In the SQL that both
-- databases share. Sealed bytes and traces are emptied after their time; the row stays for the counts.
CREATE TABLE amd_evidence (
    attempt_id       INTEGER NOT NULL PRIMARY KEY,
    tenant_id        BIGINT  NOT NULL REFERENCES tenant (tenant_id),
    campaign_id      BIGINT  NOT NULL REFERENCES campaign (campaign_id),
    number           TEXT    NOT NULL,
    at_us            BIGINT  NOT NULL,
    mode             TEXT    NOT NULL,
    handling         TEXT    NOT NULL,
    share_ppm        BIGINT  NOT NULL,
    verdict          TEXT    NOT NULL,
    cause            TEXT    NOT NULL,
    verdict_ms       BIGINT  NOT NULL,
    utterance_end_ms BIGINT,
    detector         TEXT    NOT NULL,
    model            TEXT,
    rules            TEXT    NOT NULL,
    codec            TEXT    NOT NULL,
    packets          BIGINT  NOT NULL,
    lost             BIGINT  NOT NULL,
    person_ppm       BIGINT,
    shadow_model     TEXT,
    shadow_verdict   TEXT,
    shadow_ms        BIGINT,
    trace            BLOB NOT NULL,
    features         BLOB NOT NULL,
    kept_until_us    BIGINT,
    audio            BLOB NOT NULL,
    audio_until_us   BIGINT,
    answered         TEXT,
    answered_source  TEXT,
    answered_us      BIGINT
);
CREATE INDEX amd_evidence_by_time ON amd_evidence (tenant_id, campaign_id, at_us);
CREATE INDEX amd_evidence_unlabelled ON amd_evidence (tenant_id, attempt_id) WHERE answered IS NULL;
CREATE INDEX amd_evidence_kept ON amd_evidence (kept_until_us) WHERE kept_until_us IS NOT NULL;
CREATE INDEX amd_evidence_audio ON amd_evidence (audio_until_us) WHERE audio_until_us IS NOT NULL;

-- Who said what answered; the last word of an attempt counts. An empty word takes the last one back.
CREATE TABLE amd_label (
    label_id   INTEGER NOT NULL PRIMARY KEY,
    tenant_id  BIGINT  NOT NULL REFERENCES tenant (tenant_id),
    attempt_id BIGINT  NOT NULL,
    answered   TEXT,
    source     TEXT    NOT NULL,
    who        TEXT    NOT NULL,
    at_us      BIGINT  NOT NULL
);
CREATE INDEX amd_label_by_attempt ON amd_label (tenant_id, attempt_id, label_id);
