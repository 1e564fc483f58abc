-- The chain of seals (see seal.rs): which record, and the chain's head after it. In the SQL that both databases share.
CREATE TABLE seal (
    seq        INTEGER NOT NULL PRIMARY KEY,
    kind       INTEGER NOT NULL,
    attempt_id INTEGER NOT NULL,
    head       BLOB NOT NULL
);
CREATE INDEX seal_by_attempt ON seal (attempt_id, kind);

-- One row: how many seals there are, the last head, and the last attempt that is older than all seals.
CREATE TABLE seal_head (
    one           INTEGER NOT NULL PRIMARY KEY,
    seq           BIGINT  NOT NULL,
    head          BLOB DEFAULT NULL,
    since_attempt BIGINT  NOT NULL
);
INSERT INTO seal_head (one, seq, head, since_attempt) SELECT 1, 0, NULL, COALESCE(MAX(attempt_id), 0) FROM attempt;
