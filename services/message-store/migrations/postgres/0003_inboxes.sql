-- Users' own inboxes, and what the embedding site calls users and rooms.

CREATE TABLE inboxes (
    user_id   uuid   NOT NULL PRIMARY KEY,
    head      bigint NOT NULL,
    read_seq  bigint NOT NULL DEFAULT 0,
    active_at bigint NOT NULL
    -- As of rooms: each notice updates the row, and no index holds a column that changes.
) WITH (fillfactor = 50);

COMMENT ON TABLE inboxes IS 'The counters of a user''s own log, from the first notice on; who has no row has an empty inbox. Its row lock orders the log; it is taken after the locks of rooms, and in the order of user ids';
COMMENT ON COLUMN inboxes.head IS 'The seq of the last notice';
COMMENT ON COLUMN inboxes.read_seq IS 'The read mark; it never moves back';
COMMENT ON COLUMN inboxes.active_at IS 'When the last notice was committed; the time of notices never goes back in an inbox';

-- Not validated: the rows that are there passed a narrower check, and reading them all would hold the table.
ALTER TABLE events DROP CONSTRAINT events_kind_check;
ALTER TABLE events ADD CONSTRAINT events_kind_check CHECK (kind BETWEEN 1 AND 8) NOT VALID;

COMMENT ON COLUMN events.topic IS 'The room; of a notice, the user whose inbox it is in';
COMMENT ON COLUMN events.kind IS '1 message, 2 joined, 3 left, 4 role, 5 room; in inboxes 6 mention, 7 invitation, 8 notice of the embedding site';
COMMENT ON COLUMN events.key IS 'A message''s or notice''s idempotency key, unique with its topic and actor';
COMMENT ON COLUMN events.detail IS 'What else there is to say of the kind, as JSON; null when nothing; of a notice of the site, its data as given. Text, since no query looks inside';

ALTER TABLE rooms ADD COLUMN external_id text;
CREATE UNIQUE INDEX rooms_by_external_id ON rooms (external_id) WHERE external_id IS NOT NULL;
COMMENT ON COLUMN rooms.external_id IS 'What the embedding site calls the room; given once, never changed';

ALTER TABLE profiles ADD COLUMN external_id text;
COMMENT ON COLUMN profiles.external_id IS 'What the embedding site calls the user';

-- Not unique: a profile here may be older than the account, and its name another's by now.
CREATE INDEX profiles_by_username ON profiles (username);
