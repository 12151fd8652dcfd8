-- An erasure finds the rooms in which a user has been, whether or not the user has said something there: others may have named
-- the user in them. That a user became a member, left, or had another role is an event about the user. Messages are not, so
-- that no append pays for this index.
CREATE INDEX events_by_subject ON events (topic, subject) WHERE subject IS NOT NULL;

COMMENT ON COLUMN erasures.stage IS 'What is next: 1 memberships, 2 the inbox, 3 which rooms have anything of the user, 4 those rooms, 5 the former name of a direct room in its log, 6 and in the inbox of the other user';
COMMENT ON COLUMN erasures.seq IS 'Of stages 4 to 6, the event after which to go on';

-- The embedding site lists the reports of all rooms by their status: without this, each of a status is read and sorted.
CREATE INDEX reports_of_all ON reports (status, id);

-- What a user has set is told to the user's devices by whichever gateway changed it. They end with what was committed last,
-- whatever order it comes in, by these. A replica of the version before leaves them as they are.
ALTER TABLE user_settings ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN settings_version bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN user_settings.version IS 'When it was last changed; each change has a later one than that before. 0: not since there are versions';
COMMENT ON COLUMN members.settings_version IS 'The same, of what the member has set for the room';
