-- What a user follows is counted for each thread that the user begins to follow, and listed: without who follows no more.
CREATE INDEX thread_follows_of_user ON thread_follows (user_id, room, root) WHERE following;

-- Whom a user has blocked is told to the gateways at which the user is, by whichever gateway changed it. They end with what was
-- committed last, whatever order it comes in, by this. A replica of the version before leaves it as it is.
ALTER TABLE user_settings ADD COLUMN blocks_version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN user_settings.blocks_version IS 'When a block of the user began or ended last; each change has a later one than that before. 0: not since there are versions';
