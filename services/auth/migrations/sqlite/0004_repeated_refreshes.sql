-- The same changes as migrations/postgres, where the columns are explained.

ALTER TABLE auth_sessions ADD COLUMN previous_hash BLOB;
ALTER TABLE auth_sessions ADD COLUMN encrypted_successor BLOB;
CREATE INDEX auth_sessions_repeatable ON auth_sessions (used_at) WHERE encrypted_successor IS NOT NULL;
