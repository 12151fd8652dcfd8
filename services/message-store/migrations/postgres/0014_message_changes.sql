-- Messages are edited, deleted, and users react to them.
--
-- What is shown with a message stands in its own row, in detail: when it was edited, that it was deleted, and how many
-- users react with which emoji. So a page of messages needs no further look-up, and an append no further statement
-- and no further index. These tables have what is looked at only then.
--
-- No foreign keys: the rows of a deleted room are removed with its log, a bounded number at a time.

CREATE TABLE revisions (
    room     uuid   NOT NULL,
    message  bigint NOT NULL,
    revision bigint NOT NULL,
    text     text   NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (room, message, revision)
);

COMMENT ON TABLE revisions IS 'The former texts of edited messages, for moderators; they go with the message';
COMMENT ON COLUMN revisions.message IS 'The seq of the message';
COMMENT ON COLUMN revisions.revision IS 'How many texts the message had before this one';
COMMENT ON COLUMN revisions.at IS 'When the text was written';

CREATE TABLE reactions (
    room    uuid   NOT NULL,
    message bigint NOT NULL,
    user_id uuid   NOT NULL,
    emoji   text   NOT NULL,
    PRIMARY KEY (room, message, user_id, emoji)
);

COMMENT ON TABLE reactions IS 'Who reacts to which message with which emoji; how many, the message''s row says';
COMMENT ON COLUMN reactions.message IS 'The seq of the message';

CREATE TABLE deletions (
    room   uuid   NOT NULL,
    seq    bigint NOT NULL,
    sender uuid   NOT NULL,
    PRIMARY KEY (room, seq)
);

COMMENT ON TABLE deletions IS 'The deleted messages, which are not unread: see src/unread.rs';
COMMENT ON COLUMN deletions.seq IS 'The seq of the message';

COMMENT ON COLUMN events.text IS 'What a message says; empty once it is deleted';
COMMENT ON COLUMN events.kind IS 'The number of the kind, see crates/domain/src/event/kind.rs: 1 message, 2 joined, 3 left, 4 role, 5 room, 9 pinned, 10 edited, 11 deleted, 12 reaction; in inboxes 6 mention, 7 invitation, 8 notice of the embedding site';
