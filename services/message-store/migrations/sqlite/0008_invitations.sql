-- Nobody is made a member against their will: who may add a user, and the invitations of those who may not.

-- What users have set; who has no row has the defaults.
CREATE TABLE user_settings (
    user_id  BLOB    NOT NULL PRIMARY KEY,
    added_by INTEGER CHECK (added_by BETWEEN 1 AND 3) -- 1 anyone, 2 who shares a room, 3 nobody; null is the default
) STRICT, WITHOUT ROWID;

-- Who may become a member of a room, and has not said so yet.
CREATE TABLE invitations (
    room    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id BLOB    NOT NULL,
    inviter BLOB    NOT NULL,
    role    INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3), -- the role to have: as of members
    at      INTEGER NOT NULL,
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_inviter ON invitations (inviter);
