-- As in the PostgreSQL migration 0028_room_details.sql, which has the reasons.

ALTER TABLE rooms ADD COLUMN topic TEXT;
ALTER TABLE rooms ADD COLUMN avatar_url TEXT;
ALTER TABLE rooms ADD COLUMN unnamed INTEGER NOT NULL DEFAULT 0;
