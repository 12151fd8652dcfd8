-- The two members of a direct room may the same, neither deletes it, and each may hide it for oneself.

-- A direct room's log begins with the two who joined; the one who asked first was its owner.
UPDATE events e SET detail = '{"role":"member"}'
FROM rooms r WHERE r.kind = 3 AND e.topic = r.id AND e.seq <= 2 AND e.kind = 2;
UPDATE members m SET role = 1 FROM rooms r WHERE r.kind = 3 AND m.room = r.id AND m.role <> 1;

ALTER TABLE members ADD COLUMN hidden_ordinal bigint;
COMMENT ON COLUMN members.hidden_ordinal IS 'The ordinal of the room''s last message when this member hid the room; null when shown. It shows again with the next message';
