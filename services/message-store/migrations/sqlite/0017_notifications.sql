-- Of what users want to be notified, and notices that are dismissed: the names and meanings of the PostgreSQL variant.

-- Of what this member wants to be notified: 1 every message, 2 mentions, 3 nothing.
ALTER TABLE members ADD COLUMN notify INTEGER NOT NULL DEFAULT 1;
-- Until when of nothing; 0 is not at all.
ALTER TABLE members ADD COLUMN notify_muted_until INTEGER NOT NULL DEFAULT 0;

-- Until when the user is not to be disturbed; 0 is not at all.
ALTER TABLE user_settings ADD COLUMN do_not_disturb_until INTEGER NOT NULL DEFAULT 0;

-- How many events after the read mark are no notices: dismissed ones, and the events that say so.
ALTER TABLE inboxes ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
