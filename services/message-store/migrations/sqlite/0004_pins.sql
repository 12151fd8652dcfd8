-- The messages that are pinned in rooms; they go with the room.

CREATE TABLE pins (
    room    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message INTEGER NOT NULL, -- the seq of the message
    pinned  INTEGER NOT NULL, -- the seq of the event that tells of the pin: pins are listed by it
    PRIMARY KEY (room, message)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX pins_by_place ON pins (room, pinned);
