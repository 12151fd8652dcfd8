-- A refresh whose answer was lost, or that two tabs ask for at once, is answered again with the same successor: decision 0030.

ALTER TABLE auth_sessions
    ADD COLUMN previous_hash       BYTEA,
    ADD COLUMN encrypted_successor BYTEA;
COMMENT ON COLUMN auth_sessions.previous_hash IS
    'SHA-256 of the token that was exchanged last, at used_at; null: none was, or the exchange is not repeated any more';
COMMENT ON COLUMN auth_sessions.encrypted_successor IS
    'the token that it was exchanged for, encrypted under the exchanged one, which is nowhere here; removed when the new token is used, or after MADANG_AUTH_REFRESH_REPEAT_SECONDS';
CREATE INDEX auth_sessions_repeatable ON auth_sessions (used_at) WHERE encrypted_successor IS NOT NULL;
