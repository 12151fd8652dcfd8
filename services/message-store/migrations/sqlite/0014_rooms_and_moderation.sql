-- What owners set of a room, whom moderators ban and mute, and invitation links: the names and meanings of the PostgreSQL
-- variant.

-- Nobody sends.
ALTER TABLE rooms ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
-- The least role that sends: 1 everybody, 2 moderators, in an announcement room.
ALTER TABLE rooms ADD COLUMN send_role INTEGER NOT NULL DEFAULT 1;
-- How many seconds a member waits between two messages; 0 is none.
ALTER TABLE rooms ADD COLUMN slow_mode_s INTEGER NOT NULL DEFAULT 0;
-- What newcomers see of what was before: 1 all, 2 nothing.
ALTER TABLE rooms ADD COLUMN history INTEGER NOT NULL DEFAULT 1;
-- The seq after which the last of those sees the room who came while newcomers saw nothing of before.
ALTER TABLE rooms ADD COLUMN newcomers_after INTEGER NOT NULL DEFAULT 0;

-- When the last message of this member was committed since joining; 0 when there is none.
ALTER TABLE members ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
-- Until when the member is muted; 0 is not at all. A copy of restrictions.
ALTER TABLE members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
-- The seq up to which the member sees nothing while the room's history is 2.
ALTER TABLE members ADD COLUMN visible_after INTEGER NOT NULL DEFAULT 0;

-- Who is banned from rooms or muted in them; also who is no member.
CREATE TABLE restrictions (
    room    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2), -- 1 ban, 2 mute
    user_id BLOB    NOT NULL,
    actor   BLOB    NOT NULL, -- who imposed it; the user, where the embedding site did
    at      INTEGER NOT NULL,
    until   INTEGER NOT NULL, -- when it ends by itself; the beginning of the year 9999 is never
    reason  TEXT,
    PRIMARY KEY (room, kind, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX restrictions_by_age ON restrictions (room, kind, at, user_id);

-- By which users join rooms.
CREATE TABLE invitation_links (
    id         BLOB    NOT NULL PRIMARY KEY,
    room       BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    code       BLOB    NOT NULL, -- the SHA-256 digest of the code
    actor      BLOB    NOT NULL, -- who made it
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL, -- how often it can be used in all; 0 is any number
    used       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX invitation_links_by_code ON invitation_links (code);
CREATE INDEX invitation_links_by_room ON invitation_links (room, created_at, id);
