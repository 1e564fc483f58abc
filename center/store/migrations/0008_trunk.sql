-- Trunks as the control plane keeps them, and settings that were made over the API. In the SQL that both databases share
-- (see 0001).

-- Records name their trunk by its name, so a trunk can go; its password is sealed with a key that is not in here.
CREATE TABLE trunk (
    trunk_id    INTEGER NOT NULL PRIMARY KEY,
    tenant_id   INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name        TEXT    NOT NULL,
    config      TEXT    NOT NULL,
    config_hash TEXT    NOT NULL,
    secret      BLOB    NOT NULL,
    created_us  BIGINT  NOT NULL,
    UNIQUE (tenant_id, name)
);

-- What somebody set instead of the file, by name; it holds as long as the file says what it said then (its hash).
CREATE TABLE setting (
    tenant_id  INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name       TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    file_hash  TEXT    NOT NULL,
    changed_us BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
