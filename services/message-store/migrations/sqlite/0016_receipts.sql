-- What members of a room are shown of how far the others have read: the names and meanings of the PostgreSQL variant.

-- What members are shown of the others' read marks: 1 nothing, 2 how many have read up to where, 3 who has.
ALTER TABLE rooms ADD COLUMN receipts INTEGER NOT NULL DEFAULT 2;
-- The seq up to which the member's devices have received events; what was read or sent counts as received.
ALTER TABLE members ADD COLUMN delivered_seq INTEGER NOT NULL DEFAULT 0;
