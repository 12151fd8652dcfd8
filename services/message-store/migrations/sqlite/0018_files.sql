-- Files that users upload to rooms: the names and meanings of the PostgreSQL variant.

CREATE TABLE files (
    id           BLOB    NOT NULL PRIMARY KEY,
    room         BLOB    NOT NULL,
    user_id      BLOB    NOT NULL, -- who uploaded it
    state        INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3), -- 1 on its way, 2 uploaded, 3 to be removed
    since        INTEGER NOT NULL, -- when the state began
    message      INTEGER, -- the seq of the message that has it; null until one has
    share_bytes  INTEGER NOT NULL, -- what is taken of the user's share: while it is on its way, the most that it may have
    size_bytes   INTEGER, -- null while it is on its way
    name         TEXT,
    content_type TEXT,
    image        TEXT -- of a picture its width, height and placeholder, as JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_message ON files (room, message);
CREATE INDEX files_in_transit ON files (state, message, since);

-- The bytes of the files of each user: the sum of files.share_bytes.
CREATE TABLE file_usage (
    user_id BLOB    NOT NULL PRIMARY KEY,
    bytes   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
