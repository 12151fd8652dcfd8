-- The same changes as migrations/postgres, where the columns are explained.

ALTER TABLE auth_users ADD COLUMN external_id TEXT;
ALTER TABLE auth_users ADD COLUMN disconnected_at INTEGER;
CREATE UNIQUE INDEX auth_users_of_the_site ON auth_users (external_id) WHERE external_id IS NOT NULL;

-- SQLite takes no constraint off a column: the table is made anew. Nothing refers to it.
CREATE TABLE auth_revocations_new (
    seq        INTEGER PRIMARY KEY,
    session_id BLOB,
    revoked_at INTEGER NOT NULL,
    user_id    BLOB,
    CHECK ((session_id IS NULL) <> (user_id IS NULL))
) STRICT;
INSERT INTO auth_revocations_new (seq, session_id, revoked_at)
    SELECT seq, session_id, revoked_at FROM auth_revocations;
DROP TABLE auth_revocations;
ALTER TABLE auth_revocations_new RENAME TO auth_revocations;

ALTER TABLE auth_tickets ADD COLUMN user_id BLOB;
ALTER TABLE auth_tickets ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE auth_tickets ADD COLUMN ends_at INTEGER;

CREATE TABLE auth_api_keys (
    id           TEXT    PRIMARY KEY,
    secret_hash  BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
