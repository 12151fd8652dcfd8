-- Users are erased, and export what is theirs: the names and meanings of the PostgreSQL variant.

-- Users who were erased, and how far that is.
CREATE TABLE erasures (
    user_id  BLOB    NOT NULL PRIMARY KEY,
    since    INTEGER NOT NULL,
    stage    INTEGER NOT NULL, -- what is next: 1 memberships, 2 the inbox, 3 which rooms, 4 those rooms
    room     BLOB,             -- of stages 1 and 3, the room after which to go on; of 4 the one that is looked through
    seq      INTEGER NOT NULL, -- of stage 4, the event after which to go on
    username TEXT,             -- by which others name the user in their messages; null once it is done
    nonce    TEXT    NOT NULL, -- what makes the keys that replace those of the user's messages unlike all others
    done_at  INTEGER
) STRICT, WITHOUT ROWID;

-- The rooms that are still to be looked through for an erasure.
CREATE TABLE erasure_rooms (
    user_id BLOB NOT NULL,
    room    BLOB NOT NULL,
    PRIMARY KEY (user_id, room)
) STRICT, WITHOUT ROWID;

CREATE INDEX reactions_by_user ON reactions (user_id, room, message);

-- What users may download of theirs: nothing of it is here, it is read while it is downloaded.
CREATE TABLE exports (
    user_id    BLOB    NOT NULL PRIMARY KEY,
    id         BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
