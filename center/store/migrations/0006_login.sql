-- People who log in with a password, and the logins that browsers hold. In the SQL that both databases share (see 0001).

-- A deleted account stays without its password, so that its id is never another's; making it again brings it back.
CREATE TABLE account (
    account_id    INTEGER NOT NULL PRIMARY KEY,
    tenant_id     INTEGER NOT NULL REFERENCES tenant (tenant_id),
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    -- Argon2id in the form of a PHC string; the password itself is kept nowhere.
    password      TEXT    NOT NULL,
    agent         TEXT,
    disabled      INTEGER NOT NULL DEFAULT 0,
    created_us    BIGINT  NOT NULL,
    last_login_us BIGINT,
    deleted_us    BIGINT,
    UNIQUE (tenant_id, name)
);

-- One row per login that is open; of its secret only the SHA-256 is kept. It belongs to a token or to an account.
CREATE TABLE login (
    login_id     INTEGER NOT NULL PRIMARY KEY,
    tenant_id    INTEGER NOT NULL REFERENCES tenant (tenant_id),
    hash         TEXT    NOT NULL UNIQUE,
    token_id     INTEGER REFERENCES api_token (token_id),
    account_id   INTEGER REFERENCES account (account_id),
    client       TEXT    NOT NULL,
    created_us   BIGINT  NOT NULL,
    last_used_us BIGINT  NOT NULL
);
CREATE INDEX login_by_token ON login (tenant_id, token_id, login_id);
CREATE INDEX login_by_account ON login (tenant_id, account_id, login_id);
CREATE INDEX login_by_use ON login (last_used_us);
