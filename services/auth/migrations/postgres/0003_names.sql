-- What usernames look like, against look-alikes. Null in rows of an earlier version, until this one has brought their
-- names into the form that names have now: see src/names.rs.

ALTER TABLE auth_users ADD COLUMN skeleton TEXT;
COMMENT ON COLUMN auth_users.username IS 'in the form of the type Username: RFC 8265, UsernameCaseMapped. One that was recorded before and has no such form is as it was';
COMMENT ON COLUMN auth_users.skeleton IS 'what the username looks like beside other scripts (UTS 39); where another user had that before this was told, ! and the id';
CREATE UNIQUE INDEX auth_users_by_skeleton ON auth_users (skeleton);
CREATE INDEX auth_users_without_skeleton ON auth_users (id) WHERE skeleton IS NULL;
