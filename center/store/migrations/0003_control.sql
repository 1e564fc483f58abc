-- What the control plane keeps: campaigns with their settings, agents, tokens, imports, the operators' audit log. And
-- what restarts and filtered pages need. In the SQL that both databases share (see 0001).

ALTER TABLE campaign ADD COLUMN config TEXT NOT NULL DEFAULT '{}';
ALTER TABLE campaign ADD COLUMN config_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN list_id BIGINT REFERENCES list (list_id);
ALTER TABLE campaign ADD COLUMN created_us BIGINT NOT NULL DEFAULT 0;
-- The first start: the windows of its compliance ledger count from here.
ALTER TABLE campaign ADD COLUMN first_started_us BIGINT;

-- When the attempt entered the compliance ledger (with counted_as), while its call may still go on.
ALTER TABLE attempt ADD COLUMN counted_us BIGINT;

-- 1: written after a crash from the attempt alone; no dialog was known.
ALTER TABLE cdr ADD COLUMN rebuilt BIGINT NOT NULL DEFAULT 0;

CREATE INDEX lead_by_list ON lead (tenant_id, list_id, lead_id);
CREATE INDEX lead_by_number ON lead (tenant_id, number, lead_id);
CREATE INDEX attempt_by_count ON attempt (tenant_id, campaign_id, counted_us, attempt_id);
CREATE INDEX attempt_by_outcome ON attempt (tenant_id, outcome, attempt_id);
CREATE INDEX attempt_by_agent ON attempt (tenant_id, agent_id, attempt_id);
CREATE INDEX attempt_by_intent ON attempt (tenant_id, intent_us, attempt_id);
CREATE INDEX cdr_by_campaign ON cdr (tenant_id, campaign_id, call_id);
CREATE INDEX cdr_by_answer ON cdr (tenant_id, answered_us, call_id);
CREATE INDEX cdr_by_caller ON cdr (tenant_id, caller, call_id);
CREATE INDEX cdr_by_callee ON cdr (tenant_id, callee, call_id);
CREATE INDEX cdr_by_agent ON cdr (tenant_id, agent_id, call_id);
CREATE INDEX consent_by_scope ON consent (tenant_id, scope, number, consent_id);

-- Not every disposition has an agent, and the ledger asks whether a person was there. A column's NOT NULL cannot be
-- taken back in SQLite, so the table is made anew.
CREATE TABLE disposition_new (
    disposition_id INTEGER NOT NULL PRIMARY KEY,
    tenant_id      INTEGER NOT NULL REFERENCES tenant (tenant_id),
    attempt_id     INTEGER REFERENCES attempt (attempt_id),
    call_id        INTEGER,
    agent_id       INTEGER,
    code           TEXT    NOT NULL,
    person         INTEGER,
    note           TEXT,
    at_us          BIGINT  NOT NULL
);
INSERT INTO disposition_new (tenant_id, attempt_id, call_id, agent_id, code, note, at_us)
    SELECT tenant_id, attempt_id, call_id, agent_id, code, note, at_us FROM disposition ORDER BY disposition_id;
DROP TABLE disposition;
ALTER TABLE disposition_new RENAME TO disposition;
CREATE INDEX disposition_by_attempt ON disposition (tenant_id, attempt_id, disposition_id);

-- A deleted agent stays, because attempts name it.
CREATE TABLE agent (
    agent_id    INTEGER NOT NULL PRIMARY KEY,
    tenant_id   INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name        TEXT    NOT NULL,
    config      TEXT    NOT NULL,
    config_hash TEXT    NOT NULL,
    created_us  BIGINT  NOT NULL,
    deleted_us  BIGINT,
    UNIQUE (tenant_id, name)
);

-- Of a token only the SHA-256 is kept (hexadecimal); tokens are random, so it needs no salt.
CREATE TABLE api_token (
    token_id     INTEGER NOT NULL PRIMARY KEY,
    tenant_id    INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    hash         TEXT    NOT NULL UNIQUE,
    created_us   BIGINT  NOT NULL,
    last_used_us BIGINT,
    revoked_us   BIGINT
);

-- The answer that a request with an idempotency key got, so that its repetition gets the same.
CREATE TABLE idempotency (
    tenant_id    INTEGER NOT NULL REFERENCES tenant (tenant_id),
    token_id     INTEGER NOT NULL,
    idem_key     TEXT    NOT NULL,
    request_hash TEXT    NOT NULL,
    status       INTEGER NOT NULL,
    body         TEXT    NOT NULL,
    created_us   BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, token_id, idem_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_us);

CREATE TABLE import_job (
    import_id  INTEGER NOT NULL PRIMARY KEY,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (tenant_id),
    list_id    INTEGER NOT NULL REFERENCES list (list_id),
    state      TEXT    NOT NULL,
    file_name  TEXT    NOT NULL,
    lines      BIGINT  NOT NULL DEFAULT 0,
    accepted   BIGINT  NOT NULL DEFAULT 0,
    rejected   BIGINT  NOT NULL DEFAULT 0,
    duplicates BIGINT  NOT NULL DEFAULT 0,
    started_us BIGINT  NOT NULL,
    ended_us   BIGINT,
    error      TEXT
);
CREATE INDEX import_job_by_list ON import_job (tenant_id, list_id, import_id);

CREATE TABLE import_reject (
    reject_id INTEGER NOT NULL PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (tenant_id),
    import_id INTEGER NOT NULL REFERENCES import_job (import_id),
    line      BIGINT  NOT NULL,
    reason    TEXT    NOT NULL,
    raw       TEXT    NOT NULL
);
CREATE INDEX import_reject_by_import ON import_reject (tenant_id, import_id, line);

-- Who did what, append-only (triggers).
CREATE TABLE audit (
    audit_id  INTEGER NOT NULL PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (tenant_id),
    at_us     BIGINT  NOT NULL,
    who       TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    target    TEXT    NOT NULL,
    detail    TEXT    NOT NULL
);
CREATE INDEX audit_by_tenant ON audit (tenant_id, audit_id);

-- One row per spool folder: the last op of its writer that is in this database. It moves in the same transaction as the
-- ops, so an op is written once even when the connection breaks in mid-commit and nobody can say how that ended.
CREATE TABLE writer (
    writer_id   BIGINT NOT NULL PRIMARY KEY,
    applied_seq BIGINT NOT NULL
);
