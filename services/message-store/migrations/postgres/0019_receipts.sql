-- What members of a room are shown of how far the others have read.

ALTER TABLE rooms ADD COLUMN receipts smallint NOT NULL DEFAULT 2 CHECK (receipts BETWEEN 1 AND 3);
COMMENT ON COLUMN rooms.receipts IS 'What members are shown of the others'' read marks: 1 nothing, 2 how many have read up to where, 3 who has';

ALTER TABLE members ADD COLUMN delivered_seq bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN members.delivered_seq IS 'The seq up to which the member''s devices have received events; what was read or sent counts as received';
