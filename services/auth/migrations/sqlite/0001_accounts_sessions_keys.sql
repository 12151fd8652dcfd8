-- The same tables as migrations/postgres, where the columns are explained.

CREATE TABLE auth_users (
    id              BLOB    PRIMARY KEY,
    username        TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    avatar_url      TEXT,
    password_hash   TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    profile_version INTEGER NOT NULL
) STRICT;

CREATE TABLE auth_sessions (
    id          BLOB    PRIMARY KEY,
    user_id     BLOB    NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    family_hash BLOB    NOT NULL UNIQUE,
    token_hash  BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    used_at     INTEGER NOT NULL,
    live_until  INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    revoked_at  INTEGER,
    ip          TEXT,
    user_agent  TEXT
) STRICT;
CREATE INDEX auth_sessions_of_user ON auth_sessions (user_id, created_at) WHERE revoked_at IS NULL;
CREATE INDEX auth_sessions_to_purge ON auth_sessions (live_until);
CREATE INDEX auth_sessions_revoked ON auth_sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE auth_revocation_head (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO auth_revocation_head (id, seq) VALUES (1, 0);

CREATE TABLE auth_revocations (
    seq        INTEGER PRIMARY KEY,
    session_id BLOB    NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE auth_tickets (
    hash       BLOB    PRIMARY KEY,
    session_id BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_tickets_to_purge ON auth_tickets (expires_at);

CREATE TABLE auth_signing_keys (
    generation  INTEGER PRIMARY KEY,
    kid         TEXT    NOT NULL UNIQUE,
    public_key  BLOB    NOT NULL,
    private_key BLOB    NOT NULL,
    sealed      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    signs_from  INTEGER NOT NULL
) STRICT;
