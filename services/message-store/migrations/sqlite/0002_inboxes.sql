-- Users' own inboxes, and what the embedding site calls users and rooms.

-- The counters of a user's own log, from the first notice on; who has no row has an empty inbox.
CREATE TABLE inboxes (
    user_id   BLOB    NOT NULL PRIMARY KEY,
    head      INTEGER NOT NULL,           -- the seq of the last notice
    read_seq  INTEGER NOT NULL DEFAULT 0, -- the read mark; it never moves back
    active_at INTEGER NOT NULL            -- when the last notice was committed; never goes back
) STRICT, WITHOUT ROWID;

-- The same table with three more kinds. SQLite changes no constraint of a table that is there.
CREATE TABLE events_with_notices (
    topic   BLOB    NOT NULL, -- the room; of a notice, the user whose inbox it is in
    seq     INTEGER NOT NULL,
    -- 1 message, 2 joined, 3 left, 4 role, 5 room; 6 mention, 7 invitation, 8 notice of the embedding site
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 8),
    actor   BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, -- a message's place among the room's messages; else how many came before
    key     TEXT,             -- the idempotency key, unique with its topic and actor
    subject BLOB,             -- the user whom the event is about: joined, left, role
    text    TEXT,             -- what a message says
    detail  TEXT,             -- what else there is to say of the kind, as JSON; null when nothing
    PRIMARY KEY (topic, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO events_with_notices SELECT * FROM events;
DROP TABLE events;
ALTER TABLE events_with_notices RENAME TO events;
CREATE UNIQUE INDEX events_by_key ON events (topic, actor, key) WHERE key IS NOT NULL;

-- What the embedding site calls the room; given once, never changed.
ALTER TABLE rooms ADD COLUMN external_id TEXT;
CREATE UNIQUE INDEX rooms_by_external_id ON rooms (external_id) WHERE external_id IS NOT NULL;

-- What the embedding site calls the user.
ALTER TABLE profiles ADD COLUMN external_id TEXT;

-- Not unique: a profile here may be older than the account, and its name another's by now.
CREATE INDEX profiles_by_username ON profiles (username);
