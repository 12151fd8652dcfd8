-- What users say of themselves, when they were last seen, and what of that they show.

CREATE TABLE user_states (
    user_id      uuid   PRIMARY KEY,
    status       text,
    status_until bigint NOT NULL DEFAULT 0,
    status_at    bigint NOT NULL DEFAULT 0,
    last_seen    bigint NOT NULL DEFAULT 0
);
-- Those that end by themselves.
CREATE INDEX user_states_by_end ON user_states (status_until) WHERE status_until > 0;
COMMENT ON TABLE user_states IS 'What users say of themselves, and when they were last seen';
COMMENT ON COLUMN user_states.status IS 'What the user says of what the user does; null is nothing';
COMMENT ON COLUMN user_states.status_until IS 'When that ends by itself; 0 is never';
COMMENT ON COLUMN user_states.status_at IS 'When it was set; each change has a later time than the one before';
COMMENT ON COLUMN user_states.last_seen IS 'When the user''s last socket at a gateway closed; 0 is not known';

ALTER TABLE user_settings
    ADD COLUMN hides_presence  boolean NOT NULL DEFAULT false,
    ADD COLUMN hides_last_seen boolean NOT NULL DEFAULT false,
    ADD COLUMN hides_typing    boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN user_settings.hides_presence IS 'Others do not see that the user is present';
COMMENT ON COLUMN user_settings.hides_last_seen IS 'Others do not see when the user was last present, and it is not kept';
COMMENT ON COLUMN user_settings.hides_typing IS 'Others do not see that the user types';
