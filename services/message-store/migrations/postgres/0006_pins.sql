-- The messages that are pinned in rooms.

CREATE TABLE pins (
    room    uuid   NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message bigint NOT NULL,
    pinned  bigint NOT NULL,
    PRIMARY KEY (room, message)
);

CREATE UNIQUE INDEX pins_by_place ON pins (room, pinned);

COMMENT ON TABLE pins IS 'The messages that are pinned in rooms; they go with the room';
COMMENT ON COLUMN pins.message IS 'The seq of the message';
COMMENT ON COLUMN pins.pinned IS 'The seq of the event that tells of the pin: pins are listed by it';

COMMENT ON COLUMN events.kind IS 'The number of the kind, see crates/domain/src/event/kind.rs: 1 message, 2 joined, 3 left, 4 role, 5 room, 9 pinned; in inboxes 6 mention, 7 invitation, 8 notice of the embedding site';
