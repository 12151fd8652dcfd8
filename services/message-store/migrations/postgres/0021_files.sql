-- Files that users upload to rooms. Their bytes lie elsewhere, under their ids.

CREATE TABLE files (
    id           uuid     NOT NULL PRIMARY KEY,
    room         uuid     NOT NULL,
    user_id      uuid     NOT NULL,
    state        smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    since        bigint   NOT NULL,
    message      bigint,
    share_bytes  bigint   NOT NULL,
    size_bytes   bigint,
    name         text,
    content_type text,
    image        text
);
-- Those of a message, and of a room.
CREATE INDEX files_by_message ON files (room, message);
-- Those that have to go, or may have to: not the many that messages have.
CREATE INDEX files_in_transit ON files (state, since) WHERE state <> 2 OR message IS NULL;
COMMENT ON TABLE files IS 'Files that users upload to rooms. A row outlives its room: until the bytes are removed';
COMMENT ON COLUMN files.user_id IS 'Who uploaded it';
COMMENT ON COLUMN files.state IS '1 on its way, 2 uploaded, 3 to be removed: then nothing is kept of what it was';
COMMENT ON COLUMN files.since IS 'When the state began';
COMMENT ON COLUMN files.message IS 'The seq of the message that has it; null until one has';
COMMENT ON COLUMN files.share_bytes IS 'What is taken of the share of who uploaded it: while it is on its way, the most that it may have';
COMMENT ON COLUMN files.size_bytes IS 'How many bytes it has; null while it is on its way';
COMMENT ON COLUMN files.image IS 'Of a picture its width, height and placeholder, as JSON';

CREATE TABLE file_usage (
    user_id uuid   NOT NULL PRIMARY KEY,
    bytes   bigint NOT NULL
);
COMMENT ON TABLE file_usage IS 'The bytes of the files of each user: the sum of files.share_bytes';
