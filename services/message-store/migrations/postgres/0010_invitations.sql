-- Nobody is made a member against their will: who may add a user, and the invitations of those who may not.

CREATE TABLE user_settings (
    user_id  uuid     NOT NULL PRIMARY KEY,
    added_by smallint CHECK (added_by BETWEEN 1 AND 3)
);
COMMENT ON TABLE user_settings IS 'What users have set; who has no row has the defaults';
COMMENT ON COLUMN user_settings.added_by IS 'Who may make this user a member: 1 anyone, 2 who shares a room, 3 nobody; null is the default';

CREATE TABLE invitations (
    room    uuid     NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id uuid     NOT NULL,
    inviter uuid     NOT NULL,
    role    smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    at      bigint   NOT NULL,
    PRIMARY KEY (room, user_id)
);
CREATE INDEX invitations_by_inviter ON invitations (inviter);
COMMENT ON TABLE invitations IS 'Who may become a member of a room, and has not said so yet';
COMMENT ON COLUMN invitations.role IS 'The role to have: as of members';
