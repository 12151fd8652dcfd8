-- Whom users have blocked.
CREATE TABLE blocks (
    blocker BLOB    NOT NULL,
    blocked BLOB    NOT NULL,
    at      INTEGER NOT NULL, -- since when
    PRIMARY KEY (blocker, blocked),
    CHECK (blocker <> blocked)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocks_by_age ON blocks (blocker, at, blocked);
