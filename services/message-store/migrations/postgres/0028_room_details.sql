-- What a room shows besides its name, and rooms that have none.

ALTER TABLE rooms
    ADD COLUMN topic      text,
    ADD COLUMN avatar_url text,
    ADD COLUMN unnamed    boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rooms.topic IS 'What the room is about';
COMMENT ON COLUMN rooms.avatar_url IS 'Where the room''s picture is';
COMMENT ON COLUMN rooms.unnamed IS 'The name is a placeholder: the room is shown by the names of its members';
