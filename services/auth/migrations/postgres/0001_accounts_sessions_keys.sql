-- Times are microseconds since the Unix epoch, told by the service's clock. Every name starts with
-- `auth_`, so that the message store can live in the same database.

CREATE TABLE auth_users (
    id              UUID    PRIMARY KEY,
    username        TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    avatar_url      TEXT,
    password_hash   TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    profile_version BIGINT  NOT NULL
);
COMMENT ON COLUMN auth_users.username IS 'in lower case, as the type Username folds it';
COMMENT ON COLUMN auth_users.password_hash IS 'argon2id, a PHC string';
COMMENT ON COLUMN auth_users.profile_version IS 'when the profile last changed; grows with each change';

CREATE TABLE auth_sessions (
    id          UUID    PRIMARY KEY,
    user_id     UUID    NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    family_hash BYTEA   NOT NULL UNIQUE,
    token_hash  BYTEA   NOT NULL,
    created_at  BIGINT  NOT NULL,
    used_at     BIGINT  NOT NULL,
    live_until  BIGINT  NOT NULL,
    ends_at     BIGINT  NOT NULL,
    revoked_at  BIGINT,
    ip          TEXT,
    user_agent  TEXT
);
COMMENT ON COLUMN auth_sessions.family_hash IS 'SHA-256 of the part that all refresh tokens of the session share';
COMMENT ON COLUMN auth_sessions.token_hash IS 'SHA-256 of the part that is new at each use: the one unused token';
COMMENT ON COLUMN auth_sessions.live_until IS 'when the session ends if it is not refreshed';
COMMENT ON COLUMN auth_sessions.ends_at IS 'when the session ends however often it is refreshed';
CREATE INDEX auth_sessions_of_user ON auth_sessions (user_id, created_at) WHERE revoked_at IS NULL;
CREATE INDEX auth_sessions_to_purge ON auth_sessions (live_until);
CREATE INDEX auth_sessions_revoked ON auth_sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- One row. Its lock makes revocations commit in the order of their numbers, see store/sql/sessions.rs.
CREATE TABLE auth_revocation_head (
    id  SMALLINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT   NOT NULL
);
INSERT INTO auth_revocation_head (id, seq) VALUES (1, 0);

CREATE TABLE auth_revocations (
    seq        BIGINT PRIMARY KEY,
    session_id UUID   NOT NULL,
    revoked_at BIGINT NOT NULL
);
COMMENT ON TABLE auth_revocations IS 'sessions that ended before their access tokens; kept as long as those are good';

-- Unlogged: a ticket lives for seconds, and a crash that empties the table refuses tickets rather than
-- let one be used twice. In return neither making nor using one waits for the disk. No foreign key: its
-- check would lock, and so log, the session's row.
CREATE UNLOGGED TABLE auth_tickets (
    hash       BYTEA  PRIMARY KEY,
    session_id UUID   NOT NULL,
    expires_at BIGINT NOT NULL
);
COMMENT ON COLUMN auth_tickets.hash IS 'SHA-256 of the ticket';
CREATE INDEX auth_tickets_to_purge ON auth_tickets (expires_at);

CREATE TABLE auth_signing_keys (
    generation  BIGINT  PRIMARY KEY,
    kid         TEXT    NOT NULL UNIQUE,
    public_key  BYTEA   NOT NULL,
    private_key BYTEA   NOT NULL,
    sealed      BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL,
    signs_from  BIGINT  NOT NULL
);
COMMENT ON COLUMN auth_signing_keys.generation IS 'counts up by one; unique, so that of two replicas that rotate at once one wins';
COMMENT ON COLUMN auth_signing_keys.private_key IS 'PKCS#8 of an Ed25519 key; if sealed, AES-256-GCM: nonce, ciphertext, tag';
COMMENT ON COLUMN auth_signing_keys.signs_from IS 'when it takes over from the generation before';
