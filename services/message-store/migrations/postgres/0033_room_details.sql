-- What a room shows besides its name, rooms that have none, and what a room lets its members do.

ALTER TABLE rooms
    ADD COLUMN topic      text,
    ADD COLUMN avatar_url text,
    ADD COLUMN unnamed    boolean NOT NULL DEFAULT false,
    ADD COLUMN members_add         boolean NOT NULL DEFAULT false,
    ADD COLUMN members_pin         boolean NOT NULL DEFAULT false,
    ADD COLUMN members_mention_all boolean NOT NULL DEFAULT false,
    ADD COLUMN edit_window_s       bigint  NOT NULL DEFAULT 0;
COMMENT ON COLUMN rooms.topic IS 'What the room is about';
COMMENT ON COLUMN rooms.avatar_url IS 'Where the room''s picture is';
COMMENT ON COLUMN rooms.unnamed IS 'The name is a placeholder: the room is shown by the names of its members';
COMMENT ON COLUMN rooms.members_add IS 'Members add others and make invitation links';
COMMENT ON COLUMN rooms.members_pin IS 'Members pin messages';
COMMENT ON COLUMN rooms.members_mention_all IS 'Members mention all';
COMMENT ON COLUMN rooms.edit_window_s IS 'For how many seconds the sender edits a message; 0: as the setting says';
