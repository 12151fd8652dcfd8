-- What messages say, for search: docs/decisions/0042 has the reasons.
--
-- A table of its own: an append writes no token, and its indexes do not grow by them. The tokens of a message stand in
-- one array, with one of its room (r:<id>) and one of its sender (u:<id>), so that one index answers for room and words
-- together.
--
-- No foreign keys: the rows of a deleted room are removed with its log, a bounded number at a time.

CREATE TABLE search (
    room    uuid   NOT NULL,
    message bigint NOT NULL,
    at      bigint NOT NULL,
    tokens  text[] NOT NULL,
    PRIMARY KEY (room, message)
);

-- New entries wait in a list that each query reads, until they are so many that they are worth sorting in.
CREATE INDEX search_by_token ON search USING gin (tokens) WITH (fastupdate = on, gin_pending_list_limit = 1024);
-- What stands in every tenth message is found by looking at the latest ones.
CREATE INDEX search_by_time ON search (at DESC, room DESC, message DESC);

COMMENT ON TABLE search IS 'The tokens of messages, by which they are found; filled after the commit';
COMMENT ON COLUMN search.message IS 'The seq of the message';
COMMENT ON COLUMN search.at IS 'When the message was sent';
COMMENT ON COLUMN search.tokens IS 'What the message says, see src/analysis/text.rs; r:<room>, u:<sender>';

CREATE TABLE search_positions (
    room     uuid   NOT NULL PRIMARY KEY,
    seq      bigint NOT NULL,
    erasures bigint NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE search_positions IS 'How far the log of each room is in search. A room without a row is not indexed at all';
COMMENT ON COLUMN search_positions.seq IS 'The last event that was read';
COMMENT ON COLUMN search_positions.erasures IS 'How many messages of the room were erased: what was read before is not written';
