-- A slug that was given up rests before another owner may take it: members of the room that had it go on sending to it
-- for a while.

-- Slugs that rooms had, and that rest before others may have them. A row may outlive the taking of its slug.
CREATE TABLE resting_slugs (
    slug  TEXT    NOT NULL PRIMARY KEY,
    room  BLOB    NOT NULL, -- the room that had it last; it may have it again
    owner BLOB    NOT NULL, -- the owner who gave it up, and may give it to another room
    since INTEGER NOT NULL  -- when it was given up
) STRICT, WITHOUT ROWID;
CREATE INDEX resting_slugs_by_age ON resting_slugs (since);
