-- Lists of numbers from outside (do-not-call, reassigned), each load a row of its own: it counts once it is whole, and
-- then those of the same source before it are deleted. as_of: the day that the source says.
CREATE TABLE screen (
    screen_id INTEGER NOT NULL PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (tenant_id),
    kind      TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    as_of_us  BIGINT  NOT NULL,
    loaded_us BIGINT  NOT NULL,
    numbers   BIGINT  NOT NULL DEFAULT 0,
    whole     BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX screen_by_kind ON screen (tenant_id, kind, source, screen_id);

CREATE TABLE screen_number (
    screen_id BIGINT NOT NULL,
    number    TEXT   NOT NULL,
    PRIMARY KEY (screen_id, number)
) WITHOUT ROWID;
