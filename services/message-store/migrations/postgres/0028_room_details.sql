-- What a room shows besides its name.

ALTER TABLE rooms
    ADD COLUMN topic      text,
    ADD COLUMN avatar_url text;
COMMENT ON COLUMN rooms.topic IS 'What the room is about';
COMMENT ON COLUMN rooms.avatar_url IS 'Where the room''s picture is';
