-- Passwords change and accounts are erased: docs/decisions/0050 has the reasons.

ALTER TABLE auth_users ADD COLUMN password_version BIGINT NOT NULL DEFAULT 0;
COMMENT ON COLUMN auth_users.password_version IS 'when the user last changed the password; a sign-in that has verified an earlier one makes no session';

-- A user who was erased has no row in auth_users. This row says to whoever carries it out what is left to be done, and
-- keeps others from the name for a while. It holds no name.
CREATE TABLE auth_erasures (
    user_id         UUID   PRIMARY KEY,
    erased_at       BIGINT NOT NULL,
    name_digest     BYTEA  NOT NULL,
    external_digest BYTEA,
    taken_until     BIGINT NOT NULL,
    finished_at     BIGINT
);
COMMENT ON TABLE auth_erasures IS 'users who were erased; a row goes when it is finished and the name has rested';
COMMENT ON COLUMN auth_erasures.name_digest IS 'SHA-256 of what the username looks like: it and its look-alikes rest before others may have them';
COMMENT ON COLUMN auth_erasures.external_digest IS 'SHA-256 of what the embedding site called the user: a token of the site from before makes no user any more';
COMMENT ON COLUMN auth_erasures.taken_until IS 'until then the gateway that took the erasure goes on with it; after that another one may';
COMMENT ON COLUMN auth_erasures.finished_at IS 'when the message store had erased the user, too';
CREATE INDEX auth_erasures_by_name ON auth_erasures (name_digest);
CREATE INDEX auth_erasures_by_external_id ON auth_erasures (external_digest) WHERE external_digest IS NOT NULL;
CREATE INDEX auth_erasures_open ON auth_erasures (taken_until) WHERE finished_at IS NULL;
