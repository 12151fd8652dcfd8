-- What messages say, for search: the names and meanings of the PostgreSQL variant. The tokens of a message have blanks
-- between them.

CREATE TABLE search (
    id      INTEGER NOT NULL PRIMARY KEY,
    room    BLOB    NOT NULL,
    message INTEGER NOT NULL, -- the seq of the message
    at      INTEGER NOT NULL, -- when the message was sent
    tokens  TEXT    NOT NULL, -- what the message says, see src/analysis/text.rs; r:<room>, u:<sender>
    UNIQUE (room, message)
) STRICT;

-- The index of search. It asks for whole tokens, not for their places in the text. Letters beyond ASCII are left as they
-- are, since tokens are in one form already.
CREATE VIRTUAL TABLE search_index USING fts5 (
    tokens, content = 'search', content_rowid = 'id', columnsize = 0, detail = 'none', tokenize = "ascii tokenchars ':'"
);

-- What is deleted is removed from the index at once, not with the next merge.
INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER search_inserted AFTER INSERT ON search BEGIN
    INSERT INTO search_index (rowid, tokens) VALUES (new.id, new.tokens);
END;

CREATE TRIGGER search_deleted AFTER DELETE ON search BEGIN
    INSERT INTO search_index (search_index, rowid, tokens) VALUES ('delete', old.id, old.tokens);
END;

CREATE TRIGGER search_updated AFTER UPDATE ON search BEGIN
    INSERT INTO search_index (search_index, rowid, tokens) VALUES ('delete', old.id, old.tokens);
    INSERT INTO search_index (rowid, tokens) VALUES (new.id, new.tokens);
END;

-- How far the log of each room is in search. A room without a row is not indexed at all.
CREATE TABLE search_positions (
    room     BLOB    NOT NULL PRIMARY KEY,
    seq      INTEGER NOT NULL, -- the last event that was read
    erasures INTEGER NOT NULL  -- how many messages of the room were erased: what was read before is not written
) STRICT, WITHOUT ROWID;
