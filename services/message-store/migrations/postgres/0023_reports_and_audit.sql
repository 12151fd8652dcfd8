-- Users report messages, what moderators and the site do is recorded, and words are not accepted: docs/decisions/0051 has
-- the reasons.

CREATE TABLE reports (
    room       uuid     NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message    bigint   NOT NULL,
    reporter   uuid     NOT NULL,
    id         uuid     NOT NULL,
    reason     text,
    at         bigint   NOT NULL,
    status     smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
    settled_by uuid,
    settled_at bigint,
    PRIMARY KEY (room, message, reporter)
);
CREATE UNIQUE INDEX reports_by_id ON reports (id);
CREATE INDEX reports_by_status ON reports (room, status, id);
CREATE INDEX reports_by_reporter ON reports (reporter);
COMMENT ON TABLE reports IS 'Messages that users reported to the moderators, each once by each user; they go with the room';
COMMENT ON COLUMN reports.message IS 'The seq of the message';
COMMENT ON COLUMN reports.reporter IS 'Who reported it; the nil id where a word list did';
COMMENT ON COLUMN reports.id IS 'Grows with the time: reports are listed by it';
COMMENT ON COLUMN reports.status IS '1 open, 2 resolved, 3 dismissed';
COMMENT ON COLUMN reports.settled_by IS 'Who settled it; null where nobody has, or the embedding site';

CREATE TABLE audit (
    room    uuid     NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    seq     bigint   NOT NULL,
    at      bigint   NOT NULL,
    action  text     NOT NULL,
    actor   uuid     NOT NULL,
    by_site boolean  NOT NULL,
    subject uuid,
    message bigint,
    role    smallint,
    until   bigint,
    reason  text,
    PRIMARY KEY (room, seq)
);
COMMENT ON TABLE audit IS 'What moderators, owners and the embedding site did in rooms. Rows are added and not changed, but that a reason goes with whom it was about';
COMMENT ON COLUMN audit.seq IS 'Contiguous from 1 in each room';
COMMENT ON COLUMN audit.action IS 'A name of crates/domain/src/audit.rs';
COMMENT ON COLUMN audit.actor IS 'Who did it; where the embedding site did, whom it acted for or against';

CREATE TABLE word_lists (
    room   uuid     NOT NULL PRIMARY KEY,
    action smallint NOT NULL CHECK (action BETWEEN 1 AND 2),
    words  text     NOT NULL,
    at     bigint   NOT NULL
);
CREATE INDEX word_lists_by_age ON word_lists (at, room);
COMMENT ON TABLE word_lists IS 'Words that are not accepted in a room, one a line; the nil id is the whole site. An empty list is kept, so that replicas hear of it';
COMMENT ON COLUMN word_lists.action IS '1 a message with one is refused, 2 it is reported';
COMMENT ON COLUMN word_lists.at IS 'When it was last changed';
