-- The service knows the kinds of events; a new kind needs no migration. And deleted rooms leave a tombstone.

ALTER TABLE events DROP CONSTRAINT events_kind_check;
COMMENT ON COLUMN events.kind IS 'The number of the kind, see crates/domain/src/event/kind.rs: 1 message, 2 joined, 3 left, 4 role, 5 room; in inboxes 6 mention, 7 invitation, 8 notice of the embedding site';

-- Null where a replica of an earlier version deleted the room.
ALTER TABLE purges ADD COLUMN head bigint;

COMMENT ON TABLE purges IS 'Deleted rooms whose logs are still there: first as tombstones, then to be removed a bounded number of events at a time';
COMMENT ON COLUMN purges.head IS 'The seq of the event that says that the room was deleted, the last of its log; null once the removal has begun';
