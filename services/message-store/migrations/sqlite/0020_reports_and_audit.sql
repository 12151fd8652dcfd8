-- Users report messages, what moderators and the site do is recorded, and words are not accepted: the names and meanings of
-- the PostgreSQL variant.

-- Messages that users reported to the moderators, each once by each user; they go with the room.
CREATE TABLE reports (
    room       BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message    INTEGER NOT NULL, -- the seq of the message
    reporter   BLOB    NOT NULL, -- who reported it; the nil id where a word list did
    id         BLOB    NOT NULL, -- grows with the time: reports are listed by it
    reason     TEXT,
    at         INTEGER NOT NULL,
    status     INTEGER NOT NULL CHECK (status BETWEEN 1 AND 3), -- 1 open, 2 resolved, 3 dismissed
    settled_by BLOB,             -- who settled it; null where nobody has, or the embedding site
    settled_at INTEGER,
    PRIMARY KEY (room, message, reporter)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reports_by_id ON reports (id);
CREATE INDEX reports_by_status ON reports (room, status, id);
CREATE INDEX reports_by_reporter ON reports (reporter);

-- What moderators, owners and the embedding site did in rooms. Rows are added and not changed, but that a reason goes with
-- whom it was about.
CREATE TABLE audit (
    room    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL, -- contiguous from 1 in each room
    at      INTEGER NOT NULL,
    action  TEXT    NOT NULL, -- a name of crates/domain/src/audit.rs
    actor   BLOB    NOT NULL, -- who did it; where the embedding site did, whom it acted for or against
    by_site INTEGER NOT NULL,
    subject BLOB,
    message INTEGER,
    role    INTEGER,
    until   INTEGER,
    reason  TEXT,
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

-- Words that are not accepted in a room, one a line; the nil id is the whole site. An empty list is kept, so that replicas
-- hear of it.
CREATE TABLE word_lists (
    room   BLOB    NOT NULL PRIMARY KEY,
    action INTEGER NOT NULL CHECK (action BETWEEN 1 AND 2), -- 1 a message with one is refused, 2 it is reported
    words  TEXT    NOT NULL,
    at     INTEGER NOT NULL -- when it was last changed
) STRICT, WITHOUT ROWID;
CREATE INDEX word_lists_by_age ON word_lists (at, room);
