-- The service knows the kinds of events; a new kind needs no migration. And deleted rooms leave a tombstone.

-- The same table without a check of kinds. SQLite changes no constraint of a table that is there.
CREATE TABLE events_of_any_kind (
    topic   BLOB    NOT NULL, -- the room; of a notice, the user whose inbox it is in
    seq     INTEGER NOT NULL,
    kind    INTEGER NOT NULL, -- the number of the kind, see crates/domain/src/event/kind.rs
    actor   BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, -- a message's place among the room's messages; else how many came before
    key     TEXT,             -- the idempotency key, unique with its topic and actor
    subject BLOB,             -- the user whom the event is about: joined, left, role
    text    TEXT,             -- what a message says
    detail  TEXT,             -- what else there is to say of the kind, as JSON; null when nothing
    PRIMARY KEY (topic, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO events_of_any_kind SELECT * FROM events;
DROP TABLE events;
ALTER TABLE events_of_any_kind RENAME TO events;
CREATE UNIQUE INDEX events_by_key ON events (topic, actor, key) WHERE key IS NOT NULL;

-- The seq of the event that says that the room was deleted, the last of its log: the room's tombstone. Null once the
-- removal of the log has begun, and where an earlier version deleted the room.
ALTER TABLE purges ADD COLUMN head INTEGER;
