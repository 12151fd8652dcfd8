-- An erasure finds the rooms in which a user has been, whether or not the user has said something there: others may have named
-- the user in them. That a user became a member, left, or had another role is an event about the user. Messages are not, so
-- that no append pays for this index.
CREATE INDEX events_by_subject ON events (topic, subject) WHERE subject IS NOT NULL;

-- The embedding site lists the reports of all rooms by their status: without this, each of a status is read and sorted.
CREATE INDEX reports_of_all ON reports (status, id);

-- What a user has set is told to the user's devices by whichever gateway changed it. They end with what was committed last,
-- whatever order it comes in, by these. A replica of the version before leaves them as they are.
ALTER TABLE user_settings ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN settings_version INTEGER NOT NULL DEFAULT 0;
