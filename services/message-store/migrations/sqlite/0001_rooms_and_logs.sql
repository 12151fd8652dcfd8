-- Rooms, members and the ordered log of each topic: the names and meanings of the PostgreSQL variant.
--
-- Ids are BLOBs of 16 bytes, times microseconds since 1970-01-01T00:00:00Z. Tables are WITHOUT ROWID: a row
-- lies where its key says, so that a topic's events are read in one sweep. Appends are a function of the
-- service here, not of the database: there is one writer and no round trip.

-- A conversation, and the counters of its log.
CREATE TABLE rooms (
    id               BLOB    NOT NULL PRIMARY KEY,
    kind             INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3), -- 1 public, 2 private, 3 direct
    name             TEXT    NOT NULL,
    slug             TEXT,             -- the name in addresses
    created_at       INTEGER NOT NULL,
    creator          BLOB    NOT NULL,
    creation_key     TEXT,             -- what makes a repeated creation by the same creator the same creation
    direct_low       BLOB,             -- of the two users of a direct room, the one with the lower id
    direct_high      BLOB,             -- and the one with the higher id
    active_at        INTEGER NOT NULL, -- when the last event was committed; never goes back
    head             INTEGER NOT NULL, -- the seq of the last event
    messages         INTEGER NOT NULL, -- how many events are messages: the ordinal of the last message
    last_message_seq INTEGER NOT NULL, -- the seq of the last message; 0 when there is none
    member_count     INTEGER NOT NULL,
    CHECK ((kind = 3) = (direct_low IS NOT NULL AND direct_high IS NOT NULL)),
    CHECK (direct_low < direct_high)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX rooms_by_slug ON rooms (slug) WHERE slug IS NOT NULL;
CREATE UNIQUE INDEX rooms_by_creation ON rooms (creator, creation_key) WHERE creation_key IS NOT NULL;
CREATE UNIQUE INDEX rooms_by_pair ON rooms (direct_low, direct_high) WHERE direct_low IS NOT NULL;
CREATE INDEX rooms_public ON rooms (id) WHERE kind = 1;

-- Who is in which room, and how far each has read. Unread is arithmetic: see src/unread.rs.
CREATE TABLE members (
    room         BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id      BLOB    NOT NULL,
    role         INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3), -- 1 member, 2 moderator, 3 owner
    joined_at    INTEGER NOT NULL,
    read_seq     INTEGER NOT NULL,           -- the read mark; it never moves back
    read_ordinal INTEGER NOT NULL,           -- how many of the room's messages lie up to the read mark
    sent         INTEGER NOT NULL DEFAULT 0, -- how many messages this member has sent since joining
    read_sent    INTEGER NOT NULL DEFAULT 0, -- how many of those lie up to the read mark
    sent_seq     INTEGER NOT NULL DEFAULT 0, -- the seq of the last of those; 0 when there is none
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id, room);
CREATE INDEX members_by_rank ON members (room, role DESC, joined_at, user_id);

-- The present profile of everybody who acted in a room or was added to one.
CREATE TABLE profiles (
    user_id    BLOB    NOT NULL PRIMARY KEY,
    username   TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    avatar_url TEXT,
    version    INTEGER NOT NULL -- when the account last changed; a lower version never replaces a higher one
) STRICT, WITHOUT ROWID;

-- The log of each topic: what happened, in order, seq contiguous from 1.
CREATE TABLE events (
    topic   BLOB    NOT NULL, -- the room
    seq     INTEGER NOT NULL,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5), -- 1 message, 2 joined, 3 left, 4 role, 5 room
    actor   BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, -- a message's place among the room's messages; else how many came before
    key     TEXT,             -- a message's idempotency key, unique with its topic and actor
    subject BLOB,             -- the user whom the event is about: joined, left, role
    text    TEXT,             -- what a message says
    detail  TEXT,             -- what else there is to say of the kind, as JSON; null when nothing
    PRIMARY KEY (topic, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_by_key ON events (topic, actor, key) WHERE key IS NOT NULL;

-- Deleted rooms whose events are still to be removed, a bounded number at a time.
CREATE TABLE purges (
    topic BLOB    NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL -- when the room was deleted
) STRICT, WITHOUT ROWID;

-- One row: which history the positions belong to. Renewed after a restore from a backup.
CREATE TABLE log_epoch (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295)
) STRICT, WITHOUT ROWID;
