-- What users say of themselves, when they were last seen, and what of that they show: the names and meanings of the
-- PostgreSQL variant.

CREATE TABLE user_states (
    user_id      BLOB    NOT NULL PRIMARY KEY,
    -- Null is nothing.
    status       TEXT,
    -- When that ends by itself; 0 is never.
    status_until INTEGER NOT NULL DEFAULT 0,
    -- When it was set; each change has a later time than the one before.
    status_at    INTEGER NOT NULL DEFAULT 0,
    -- When the user's last socket at a gateway closed; 0 is not known.
    last_seen    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
-- Those that end by themselves.
CREATE INDEX user_states_by_end ON user_states (status_until) WHERE status_until > 0;

ALTER TABLE user_settings ADD COLUMN hides_presence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_settings ADD COLUMN hides_last_seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_settings ADD COLUMN hides_typing INTEGER NOT NULL DEFAULT 0;
