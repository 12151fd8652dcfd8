-- When a role changed: a list of members, owners first, that is paged meanwhile must leave nobody out.
ALTER TABLE members ADD COLUMN role_at bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN members.role_at IS 'When the role was last changed; 0 when it is the one of the joining';
