-- Rooms, members and the ordered log of each topic.
--
-- Times are microseconds since 1970-01-01T00:00:00Z. Every table that grows with use starts its key with the
-- room (the topic), so that all that one append touches lies together.

CREATE TABLE rooms (
    id               uuid     NOT NULL PRIMARY KEY,
    kind             smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    name             text     NOT NULL,
    slug             text,
    created_at       bigint   NOT NULL,
    creator          uuid     NOT NULL,
    creation_key     text,
    direct_low       uuid,
    direct_high      uuid,
    active_at        bigint   NOT NULL,
    head             bigint   NOT NULL,
    messages         bigint   NOT NULL,
    last_message_seq bigint   NOT NULL,
    member_count     bigint   NOT NULL,
    CHECK ((kind = 3) = (direct_low IS NOT NULL AND direct_high IS NOT NULL)),
    CHECK (direct_low < direct_high)
    -- Each append updates its room. No index holds a column that an append changes, and half of each page is
    -- left free, so that the new row version stays on its page (a heap-only tuple) and no index grows.
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX rooms_by_slug ON rooms (slug) WHERE slug IS NOT NULL;
CREATE UNIQUE INDEX rooms_by_creation ON rooms (creator, creation_key) WHERE creation_key IS NOT NULL;
CREATE UNIQUE INDEX rooms_by_pair ON rooms (direct_low, direct_high) WHERE direct_low IS NOT NULL;
CREATE INDEX rooms_public ON rooms (id) WHERE kind = 1;

COMMENT ON TABLE rooms IS 'A conversation, and the counters of its log. Its row lock orders the log.';
COMMENT ON COLUMN rooms.kind IS '1 public, 2 private, 3 direct';
COMMENT ON COLUMN rooms.slug IS 'The name in addresses';
COMMENT ON COLUMN rooms.creation_key IS 'What makes a repeated creation by the same creator the same creation';
COMMENT ON COLUMN rooms.direct_low IS 'Of the two users of a direct room, the one with the lower id';
COMMENT ON COLUMN rooms.direct_high IS 'Of the two users of a direct room, the one with the higher id';
COMMENT ON COLUMN rooms.active_at IS 'When the last event was committed; the time of events never goes back in a room';
COMMENT ON COLUMN rooms.head IS 'The seq of the last event';
COMMENT ON COLUMN rooms.messages IS 'How many events are messages: the ordinal of the last message';
COMMENT ON COLUMN rooms.last_message_seq IS 'The seq of the last message; 0 when there is none';

CREATE TABLE members (
    room         uuid     NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id      uuid     NOT NULL,
    role         smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    joined_at    bigint   NOT NULL,
    read_seq     bigint   NOT NULL,
    read_ordinal bigint   NOT NULL,
    sent         bigint   NOT NULL DEFAULT 0,
    read_sent    bigint   NOT NULL DEFAULT 0,
    sent_seq     bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (room, user_id)
) WITH (fillfactor = 70);

CREATE INDEX members_by_user ON members (user_id, room);
CREATE INDEX members_by_rank ON members (room, role DESC, joined_at, user_id);

COMMENT ON TABLE members IS 'Who is in which room, and how far each has read. Unread is arithmetic: see src/unread.rs.';
COMMENT ON COLUMN members.role IS '1 member, 2 moderator, 3 owner';
COMMENT ON COLUMN members.read_seq IS 'The read mark; it never moves back';
COMMENT ON COLUMN members.read_ordinal IS 'How many of the room''s messages lie up to the read mark';
COMMENT ON COLUMN members.sent IS 'How many messages this member has sent since joining';
COMMENT ON COLUMN members.read_sent IS 'How many of those lie up to the read mark';
COMMENT ON COLUMN members.sent_seq IS 'The seq of the last of those; 0 when there is none';

CREATE TABLE profiles (
    user_id    uuid   NOT NULL PRIMARY KEY,
    username   text   NOT NULL,
    name       text   NOT NULL,
    avatar_url text,
    version    bigint NOT NULL
);

COMMENT ON TABLE profiles IS 'The present profile of everybody who acted in a room or was added to one. Events name users by id and are shown with these.';
COMMENT ON COLUMN profiles.version IS 'When the account last changed; a lower version never replaces a higher one';

CREATE TABLE events (
    topic   uuid     NOT NULL,
    seq     bigint   NOT NULL,
    kind    smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    actor   uuid     NOT NULL,
    at      bigint   NOT NULL,
    ordinal bigint   NOT NULL,
    key     text,
    subject uuid,
    text    text,
    detail  text,
    PRIMARY KEY (topic, seq)
    -- No foreign key to rooms: it would lock the room's row once for every event, and an append has locked
    -- and checked it already.
) PARTITION BY HASH (topic);

-- Sixteen, so that index pages are contended less and each partition can be vacuumed by itself.
DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    END LOOP;
END
$$;

CREATE UNIQUE INDEX events_by_key ON events (topic, actor, key) WHERE key IS NOT NULL;

COMMENT ON TABLE events IS 'The log of each topic: what happened, in order, seq contiguous from 1';
COMMENT ON COLUMN events.topic IS 'The room';
COMMENT ON COLUMN events.kind IS '1 message, 2 joined, 3 left, 4 role, 5 room';
COMMENT ON COLUMN events.ordinal IS 'A message''s place among the room''s messages; of another event, how many messages came before it';
COMMENT ON COLUMN events.key IS 'A message''s idempotency key, unique with its topic and actor';
COMMENT ON COLUMN events.subject IS 'The user whom the event is about, where that is not the actor alone: joined, left, role';
COMMENT ON COLUMN events.text IS 'What a message says';
COMMENT ON COLUMN events.detail IS 'What else there is to say of the kind, as JSON; null when nothing. Text, since no query looks inside';

CREATE TABLE purges (
    topic uuid   NOT NULL PRIMARY KEY,
    since bigint NOT NULL
);

COMMENT ON TABLE purges IS 'Deleted rooms whose events are still to be removed, a bounded number at a time';
COMMENT ON COLUMN purges.since IS 'When the room was deleted';

CREATE TABLE log_epoch (
    id    smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch bigint   NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295)
);

COMMENT ON TABLE log_epoch IS 'One row: which history the positions belong to. Renewed after a restore from a backup';
