-- Threads: messages that stand under another one, their root.
--
-- A message in a thread is a row of events like any other. One that stands in the thread alone has the kind 30, so that
-- whatever counts messages of the room passes it over, also in a replica of the version before; one that stands in the
-- room as well is a message of the room, of kind 1. What is shown of a thread stands in its root's row, in detail, and is
-- written from these tables: a replica of the version before may write that row without it. An append of another message
-- touches none of them.

CREATE TABLE threads (
    room     uuid   NOT NULL,
    root     bigint NOT NULL,
    messages bigint NOT NULL,
    replies  bigint NOT NULL,
    last_seq bigint NOT NULL,
    last_at  bigint NOT NULL,
    PRIMARY KEY (room, root)
) WITH (fillfactor = 70);

COMMENT ON TABLE threads IS 'The counters of threads; the room''s lock orders them. They go with the room''s log';
COMMENT ON COLUMN threads.root IS 'The seq of the message under which the thread stands';
COMMENT ON COLUMN threads.messages IS 'How many messages were sent to it: the ordinal of the last one';
COMMENT ON COLUMN threads.replies IS 'How many of them are not deleted';
COMMENT ON COLUMN threads.last_seq IS 'The seq of the last one; 0 before the first';
COMMENT ON COLUMN threads.last_at IS 'When the last one was sent, by which lists of threads are ordered; never goes back';

CREATE TABLE thread_messages (
    room    uuid    NOT NULL,
    root    bigint  NOT NULL,
    seq     bigint  NOT NULL,
    ordinal bigint  NOT NULL,
    sender  uuid    NOT NULL,
    at      bigint  NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (room, root, seq)
);
CREATE INDEX thread_messages_deleted ON thread_messages (room, root, seq) WHERE deleted;

COMMENT ON TABLE thread_messages IS 'Which messages stand in which thread. They go with the room''s log';
COMMENT ON COLUMN thread_messages.ordinal IS 'The message''s place among those of the thread';

CREATE TABLE thread_follows (
    room         uuid    NOT NULL,
    user_id      uuid    NOT NULL,
    root         bigint  NOT NULL,
    following    boolean NOT NULL,
    read_seq     bigint  NOT NULL,
    read_ordinal bigint  NOT NULL,
    sent         bigint  NOT NULL DEFAULT 0,
    read_sent    bigint  NOT NULL DEFAULT 0,
    sent_seq     bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (room, root, user_id),
    FOREIGN KEY (room, user_id) REFERENCES members (room, user_id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX thread_follows_by_user ON thread_follows (user_id, room);

COMMENT ON TABLE thread_follows IS 'Who follows which thread, and how far each has read it: the numbers of members, of the thread''s messages. They go with the membership';
COMMENT ON COLUMN thread_follows.following IS 'False of who followed the thread and does no more';

CREATE TABLE thread_tells (
    room    uuid    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message bigint  NOT NULL,
    root    bigint  NOT NULL,
    since   bigint  NOT NULL,
    by_site boolean NOT NULL,
    told_to uuid    NOT NULL,
    PRIMARY KEY (room, message)
);
CREATE INDEX thread_tells_by_age ON thread_tells (since);

COMMENT ON TABLE thread_tells IS 'Messages in threads of which not all followers were told in their inboxes yet';
COMMENT ON COLUMN thread_tells.told_to IS 'The last of the users who were told; they are told in the order of their ids';

COMMENT ON COLUMN events.kind IS 'The number of the kind, see crates/domain/src/event/kind.rs: 1 message, 30 message in a thread alone, and what happens; in inboxes the notices';
