-- Messages are edited, deleted, and users react to them: the names and meanings of the PostgreSQL variant.

-- The former texts of edited messages, for moderators; they go with the message.
CREATE TABLE revisions (
    room     BLOB    NOT NULL,
    message  INTEGER NOT NULL, -- the seq of the message
    revision INTEGER NOT NULL, -- how many texts the message had before this one
    text     TEXT    NOT NULL,
    at       INTEGER NOT NULL, -- when the text was written
    PRIMARY KEY (room, message, revision)
) STRICT, WITHOUT ROWID;

-- Who reacts to which message with which emoji; how many, the message's row says.
CREATE TABLE reactions (
    room    BLOB    NOT NULL,
    message INTEGER NOT NULL, -- the seq of the message
    user_id BLOB    NOT NULL,
    emoji   TEXT    NOT NULL,
    PRIMARY KEY (room, message, user_id, emoji)
) STRICT, WITHOUT ROWID;

-- The deleted messages, which are not unread: see src/unread.rs.
CREATE TABLE deletions (
    room   BLOB    NOT NULL,
    seq    INTEGER NOT NULL, -- the seq of the message
    sender BLOB    NOT NULL,
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;
