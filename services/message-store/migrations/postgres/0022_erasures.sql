-- Users are erased, a bounded number of rows at a time; and export what is theirs. docs/decisions/0050 has the reasons.

CREATE TABLE erasures (
    user_id  uuid     NOT NULL PRIMARY KEY,
    since    bigint   NOT NULL,
    stage    smallint NOT NULL,
    room     uuid,
    seq      bigint   NOT NULL,
    username text,
    nonce    text     NOT NULL,
    done_at  bigint
);
COMMENT ON TABLE erasures IS 'Users who were erased, and how far that is';
COMMENT ON COLUMN erasures.stage IS 'What is next: 1 memberships, 2 the inbox, 3 which rooms have anything of the user, 4 those rooms';
COMMENT ON COLUMN erasures.room IS 'Of stages 1 and 3, the room after which to go on; of stage 4, the room that is being looked through';
COMMENT ON COLUMN erasures.seq IS 'Of stage 4, the event after which to go on';
COMMENT ON COLUMN erasures.username IS 'By which others name the user in their messages; null once it is done';
COMMENT ON COLUMN erasures.nonce IS 'What makes the keys that replace those of the user''s messages unlike all others';

CREATE TABLE erasure_rooms (
    user_id uuid NOT NULL,
    room    uuid NOT NULL,
    PRIMARY KEY (user_id, room)
);
COMMENT ON TABLE erasure_rooms IS 'The rooms that are still to be looked through for an erasure';

CREATE INDEX reactions_by_user ON reactions (user_id, room, message);

CREATE TABLE exports (
    user_id    uuid   NOT NULL PRIMARY KEY,
    id         uuid   NOT NULL,
    at         bigint NOT NULL,
    expires_at bigint NOT NULL
);
COMMENT ON TABLE exports IS 'What users may download of theirs: nothing of it is here, it is read while it is downloaded';
