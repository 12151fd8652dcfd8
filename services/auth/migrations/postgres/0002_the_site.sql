-- What the embedding site says of its users, and what its backend may do.

ALTER TABLE auth_users
    ADD COLUMN external_id     TEXT,
    ADD COLUMN disconnected_at BIGINT;
COMMENT ON COLUMN auth_users.external_id IS 'what the embedding site calls the user, who then has no password here';
COMMENT ON COLUMN auth_users.password_hash IS 'argon2id, a PHC string; empty: no password opens this account';
COMMENT ON COLUMN auth_users.disconnected_at IS 'nothing that let the user in until then does so any more';
CREATE UNIQUE INDEX auth_users_of_the_site ON auth_users (external_id) WHERE external_id IS NOT NULL;

-- A row is of one session that ended, or of one user who was disconnected.
ALTER TABLE auth_revocations
    ADD COLUMN user_id UUID,
    ALTER COLUMN session_id DROP NOT NULL,
    ADD CONSTRAINT auth_revocations_of_one CHECK ((session_id IS NULL) <> (user_id IS NULL));

ALTER TABLE auth_tickets
    ADD COLUMN user_id    UUID,
    ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN ends_at    BIGINT;
COMMENT ON COLUMN auth_tickets.user_id IS 'of a ticket that the site asked for: whom it lets in; its session is no row';
COMMENT ON COLUMN auth_tickets.ends_at IS 'of such a ticket: until when what it opens may live at most';

CREATE TABLE auth_api_keys (
    id           TEXT   PRIMARY KEY,
    secret_hash  BYTEA  NOT NULL,
    name         TEXT   NOT NULL,
    scopes       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
COMMENT ON COLUMN auth_api_keys.secret_hash IS 'SHA-256 of the secret part; the key itself is nowhere';
COMMENT ON COLUMN auth_api_keys.scopes IS 'names with spaces between';
COMMENT ON COLUMN auth_api_keys.last_used_at IS 'to about a minute';
