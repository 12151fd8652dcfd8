-- Messages that mention everybody, of which not all members were told yet.
CREATE TABLE member_tells (
    room    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message INTEGER NOT NULL,
    whom    INTEGER NOT NULL, -- 1: every member, by a notice; 2: the members with a connected device, in passing
    since   INTEGER NOT NULL,
    by_site INTEGER NOT NULL,
    told_to BLOB    NOT NULL, -- the last of the members who were told; they are told in the order of their ids
    PRIMARY KEY (room, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_tells_by_age ON member_tells (since);
