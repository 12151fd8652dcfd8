-- The two members of a direct room may the same, neither deletes it, and each may hide it for oneself.

-- A direct room's log begins with the two who joined; the one who asked first was its owner.
UPDATE events SET detail = '{"role":"member"}'
WHERE seq <= 2 AND kind = 2 AND topic IN (SELECT id FROM rooms WHERE kind = 3);
UPDATE members SET role = 1 WHERE role <> 1 AND room IN (SELECT id FROM rooms WHERE kind = 3);

-- The ordinal of the room's last message when this member hid the room; null when shown. It shows again with the next
-- message.
ALTER TABLE members ADD COLUMN hidden_ordinal INTEGER;
