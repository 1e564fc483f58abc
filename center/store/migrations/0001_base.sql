-- The first schema. Kept to the SQL that SQLite and PostgreSQL share (INTEGER keys given by us or by the table,
-- TEXT, BLOB); triggers stand in a file of their own, because their dialects differ.
-- Moments are microseconds since the Unix epoch (UTC) and their columns end in _us. Every row belongs to a tenant.

CREATE TABLE tenant (
    tenant_id  INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE
);
INSERT INTO tenant (tenant_id, name) VALUES (1, 'default');

CREATE TABLE campaign (
    campaign_id      INTEGER NOT NULL PRIMARY KEY,
    tenant_id        INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name             TEXT    NOT NULL,
    state            TEXT    NOT NULL DEFAULT 'stopped',
    state_changed_us BIGINT  NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE list (
    list_id    INTEGER NOT NULL PRIMARY KEY,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name       TEXT    NOT NULL,
    created_us BIGINT  NOT NULL,
    UNIQUE (tenant_id, name)
);

-- attempt_number is the number of the latest attempt; it only grows (trigger), so a lead's attempts can be counted
-- without reading them and a lost update shows.
CREATE TABLE lead (
    lead_id         INTEGER NOT NULL PRIMARY KEY,
    tenant_id       INTEGER NOT NULL REFERENCES tenant (tenant_id),
    list_id         INTEGER NOT NULL REFERENCES list (list_id),
    number          TEXT    NOT NULL,
    first_name      TEXT,
    last_name       TEXT,
    timezone        TEXT,
    external_id     TEXT,
    state           TEXT    NOT NULL DEFAULT 'new',
    attempt_number  INTEGER NOT NULL DEFAULT 0,
    last_attempt_us BIGINT,
    next_at_us      BIGINT,
    last_outcome    TEXT,
    imported_us     BIGINT  NOT NULL,
    UNIQUE (tenant_id, list_id, number)
);
CREATE INDEX lead_by_state ON lead (tenant_id, list_id, state, lead_id);

-- One row per attempt, written before the INVITE leaves (intent) and completed at the end. closed_us NULL after a
-- crash means: it was dialled, nobody knows how it ended, and it counts as an attempt.
CREATE TABLE attempt (
    attempt_id        INTEGER NOT NULL PRIMARY KEY,
    tenant_id         INTEGER NOT NULL REFERENCES tenant (tenant_id),
    campaign_id       INTEGER NOT NULL REFERENCES campaign (campaign_id),
    lead_id           INTEGER NOT NULL REFERENCES lead (lead_id),
    attempt_number    INTEGER NOT NULL,
    number            TEXT    NOT NULL,
    trunk             TEXT    NOT NULL,
    caller_id         TEXT,
    intent_us         BIGINT  NOT NULL,
    consent_allowed   INTEGER NOT NULL,
    consent_rule      TEXT    NOT NULL,
    consent_proof     TEXT,
    why               TEXT    NOT NULL,
    outcome           TEXT,
    counted_as        TEXT,
    verdict           TEXT,
    agent_id          INTEGER,
    cause_whose       TEXT,
    cause_code        INTEGER,
    ringing_us        BIGINT,
    answered_us       BIGINT,
    greeting_end_us   BIGINT,
    verdict_us        BIGINT,
    connected_us      BIGINT,
    ended_us          BIGINT,
    closed_us         BIGINT,
    UNIQUE (tenant_id, lead_id, attempt_number)
);
CREATE INDEX attempt_by_number ON attempt (tenant_id, number, intent_us);
CREATE INDEX attempt_by_campaign ON attempt (tenant_id, campaign_id, attempt_id);
CREATE INDEX attempt_open ON attempt (tenant_id, attempt_id) WHERE closed_us IS NULL;

-- What the engine saw during an attempt, as JSON; read together with the attempt, never searched by content.
CREATE TABLE attempt_event (
    event_id   INTEGER NOT NULL PRIMARY KEY,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (tenant_id),
    attempt_id INTEGER NOT NULL REFERENCES attempt (attempt_id),
    at_us      BIGINT  NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX attempt_event_by_attempt ON attempt_event (tenant_id, attempt_id, event_id);

-- One row per answered call, opened at the answer with all that a BYE needs after a crash (RFC 3261 12.1: Call-ID,
-- both tags, remote target, route set, local sequence number), completed at the end.
CREATE TABLE cdr (
    call_id       INTEGER NOT NULL PRIMARY KEY,
    tenant_id     INTEGER NOT NULL REFERENCES tenant (tenant_id),
    attempt_id    INTEGER REFERENCES attempt (attempt_id),
    campaign_id   INTEGER REFERENCES campaign (campaign_id),
    direction     TEXT    NOT NULL,
    caller        TEXT    NOT NULL,
    callee        TEXT    NOT NULL,
    trunk         TEXT,
    answered_us   BIGINT  NOT NULL,
    sip_call_id   TEXT    NOT NULL,
    local_uri     TEXT    NOT NULL,
    local_tag     TEXT    NOT NULL,
    remote_uri    TEXT    NOT NULL,
    remote_tag    TEXT    NOT NULL,
    remote_target TEXT    NOT NULL,
    route_set     TEXT    NOT NULL,
    local_cseq    BIGINT  NOT NULL,
    peer          TEXT    NOT NULL,
    agent_id      INTEGER,
    connected_us  BIGINT,
    ended_us      BIGINT,
    cause_whose   TEXT,
    cause_code    INTEGER,
    media         TEXT
);
CREATE INDEX cdr_by_attempt ON cdr (tenant_id, attempt_id);
CREATE INDEX cdr_open ON cdr (tenant_id, call_id) WHERE ended_us IS NULL;

-- Append-only (triggers): a withdrawal is a new row, never a change of the old one.
CREATE TABLE consent (
    consent_id  INTEGER NOT NULL PRIMARY KEY,
    tenant_id   INTEGER NOT NULL REFERENCES tenant (tenant_id),
    number      TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    proof       TEXT,
    at_us       BIGINT  NOT NULL
);
CREATE INDEX consent_by_number ON consent (tenant_id, number, consent_id);

-- Append-only (triggers): lifting a suppression is a new row.
CREATE TABLE suppression (
    suppression_id INTEGER NOT NULL PRIMARY KEY,
    tenant_id      INTEGER NOT NULL REFERENCES tenant (tenant_id),
    number         TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    campaign_id    INTEGER REFERENCES campaign (campaign_id),
    reason         TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    at_us          BIGINT  NOT NULL,
    until_us       BIGINT
);
CREATE INDEX suppression_by_number ON suppression (tenant_id, number, suppression_id);

CREATE TABLE disposition (
    disposition_id INTEGER NOT NULL PRIMARY KEY,
    tenant_id      INTEGER NOT NULL REFERENCES tenant (tenant_id),
    attempt_id     INTEGER REFERENCES attempt (attempt_id),
    call_id        INTEGER,
    agent_id       INTEGER NOT NULL,
    code           TEXT    NOT NULL,
    note           TEXT,
    at_us          BIGINT  NOT NULL
);
CREATE INDEX disposition_by_attempt ON disposition (tenant_id, attempt_id);

CREATE TABLE callback (
    callback_id INTEGER NOT NULL PRIMARY KEY,
    tenant_id   INTEGER NOT NULL REFERENCES tenant (tenant_id),
    lead_id     INTEGER NOT NULL REFERENCES lead (lead_id),
    campaign_id INTEGER NOT NULL REFERENCES campaign (campaign_id),
    agent_id    INTEGER,
    due_us      BIGINT  NOT NULL,
    note        TEXT,
    created_us  BIGINT  NOT NULL,
    done_us     BIGINT
);
CREATE INDEX callback_due ON callback (tenant_id, due_us) WHERE done_us IS NULL;

-- Sealed bytes (XChaCha20-Poly1305): recordings, proofs, attachments. The key is not in this database.
CREATE TABLE blob (
    blob_id    INTEGER NOT NULL PRIMARY KEY,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (tenant_id),
    kind       TEXT    NOT NULL,
    key_name   TEXT    NOT NULL,
    nonce      BLOB    NOT NULL,
    sealed     BLOB    NOT NULL,
    size_bytes BIGINT  NOT NULL,
    at_us      BIGINT  NOT NULL
);
