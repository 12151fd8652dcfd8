-- Messages that mention everybody in their room: who is to be told of them, off the append's path, as followers of threads
-- are. Other messages touch the table in no way.

CREATE TABLE member_tells (
    room    uuid     NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message bigint   NOT NULL,
    whom    smallint NOT NULL CHECK (whom BETWEEN 1 AND 2),
    since   bigint   NOT NULL,
    by_site boolean  NOT NULL,
    told_to uuid     NOT NULL,
    PRIMARY KEY (room, message)
);
CREATE INDEX member_tells_by_age ON member_tells (since);

COMMENT ON TABLE member_tells IS 'Messages that mention everybody, of which not all members were told yet';
COMMENT ON COLUMN member_tells.whom IS '1: every member, by a notice; 2: the members with a connected device, in passing';
COMMENT ON COLUMN member_tells.told_to IS 'The last of the members who were told; they are told in the order of their ids';
