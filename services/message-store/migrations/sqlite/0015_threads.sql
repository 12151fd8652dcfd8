-- Threads: the names and meanings of the PostgreSQL variant.

-- The counters of threads. They go with the room's log.
CREATE TABLE threads (
    room     BLOB    NOT NULL,
    root     INTEGER NOT NULL, -- the seq of the message under which the thread stands
    messages INTEGER NOT NULL, -- how many messages were sent to it: the ordinal of the last one
    replies  INTEGER NOT NULL, -- how many of them are not deleted
    last_seq INTEGER NOT NULL, -- the seq of the last one; 0 before the first
    last_at  INTEGER NOT NULL, -- when the last one was sent, by which lists are ordered; never goes back
    PRIMARY KEY (room, root)
) STRICT, WITHOUT ROWID;

-- Which messages stand in which thread. They go with the room's log.
CREATE TABLE thread_messages (
    room    BLOB    NOT NULL,
    root    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, -- the message's place among those of the thread
    sender  BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room, root, seq)
) STRICT, WITHOUT ROWID;

-- Who follows which thread, and how far each has read it. They go with the membership.
CREATE TABLE thread_follows (
    room         BLOB    NOT NULL,
    user_id      BLOB    NOT NULL,
    root         INTEGER NOT NULL,
    following    INTEGER NOT NULL, -- false of who followed the thread and does no more
    read_seq     INTEGER NOT NULL,
    read_ordinal INTEGER NOT NULL,
    sent         INTEGER NOT NULL DEFAULT 0,
    read_sent    INTEGER NOT NULL DEFAULT 0,
    sent_seq     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room, root, user_id),
    FOREIGN KEY (room, user_id) REFERENCES members (room, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_follows_by_user ON thread_follows (user_id, room);

-- Messages in threads of which not all followers were told in their inboxes yet.
CREATE TABLE thread_tells (
    room    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message INTEGER NOT NULL,
    root    INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    by_site INTEGER NOT NULL,
    told_to BLOB    NOT NULL, -- the last of the users who were told; they are told in the order of their ids
    PRIMARY KEY (room, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_tells_by_age ON thread_tells (since);
