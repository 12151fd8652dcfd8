-- Passwords change and accounts are erased: the names and meanings of the PostgreSQL variant.

-- When the user last changed the password; a sign-in that has verified an earlier one makes no session.
ALTER TABLE auth_users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;

-- Users who were erased. It holds no name.
CREATE TABLE auth_erasures (
    user_id         BLOB    NOT NULL PRIMARY KEY,
    erased_at       INTEGER NOT NULL,
    name_digest     BLOB    NOT NULL, -- SHA-256 of what the username looks like, which rests
    external_digest BLOB,             -- SHA-256 of what the embedding site called the user
    taken_until     INTEGER NOT NULL, -- until then the gateway that took the erasure goes on with it
    finished_at     INTEGER           -- when the message store had erased the user, too
) STRICT;
CREATE INDEX auth_erasures_by_name ON auth_erasures (name_digest);
CREATE INDEX auth_erasures_by_external_id ON auth_erasures (external_digest) WHERE external_digest IS NOT NULL;
CREATE INDEX auth_erasures_open ON auth_erasures (taken_until) WHERE finished_at IS NULL;
