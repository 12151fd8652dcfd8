-- When a role changed: a list of members, owners first, that is paged meanwhile must leave nobody out.
-- 0 when the role is the one of the joining.
ALTER TABLE members ADD COLUMN role_at INTEGER NOT NULL DEFAULT 0;
