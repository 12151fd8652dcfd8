-- The same changes as migrations/postgres, where the columns are explained.

ALTER TABLE auth_users ADD COLUMN skeleton TEXT;
CREATE UNIQUE INDEX auth_users_by_skeleton ON auth_users (skeleton);
CREATE INDEX auth_users_without_skeleton ON auth_users (id) WHERE skeleton IS NULL;
