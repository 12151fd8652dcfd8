-- Guests: the names and meanings of the PostgreSQL variant. The append judges in its own code.

-- With role 1, that the member is a guest; with another role nothing.
ALTER TABLE members ADD COLUMN guest INTEGER NOT NULL DEFAULT 0;
-- Guests send, react, and change what they have sent.
ALTER TABLE rooms ADD COLUMN guests_send INTEGER NOT NULL DEFAULT 0;
-- As of members.
ALTER TABLE invitations ADD COLUMN guest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN guest INTEGER NOT NULL DEFAULT 0;
