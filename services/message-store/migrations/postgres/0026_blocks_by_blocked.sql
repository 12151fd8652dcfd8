-- Who blocks a user: a status is not told to them. Without this, each status reads all blocks.
CREATE INDEX blocks_by_blocked ON blocks (blocked, blocker);
