-- A slug that was given up rests before another owner may take it: members of the room that had it go on sending to it
-- for a while.

CREATE TABLE resting_slugs (
    slug  text   NOT NULL PRIMARY KEY,
    room  uuid   NOT NULL,
    owner uuid   NOT NULL,
    since bigint NOT NULL
);
CREATE INDEX resting_slugs_by_age ON resting_slugs (since);

COMMENT ON TABLE resting_slugs IS 'Slugs that rooms had, and that rest before others may have them. A row may outlive the taking of its slug';
COMMENT ON COLUMN resting_slugs.room IS 'The room that had it last; it may have it again';
COMMENT ON COLUMN resting_slugs.owner IS 'The owner who gave it up, and may give it to another room';
COMMENT ON COLUMN resting_slugs.since IS 'When it was given up';
