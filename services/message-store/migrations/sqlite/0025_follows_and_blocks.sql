-- What a user follows is counted for each thread that the user begins to follow, and listed: without who follows no more.
CREATE INDEX thread_follows_of_user ON thread_follows (user_id, room, root) WHERE following;

-- When a block of the user began or ended last; each change has a later one than that before. 0: not since there are versions.
ALTER TABLE user_settings ADD COLUMN blocks_version INTEGER NOT NULL DEFAULT 0;
