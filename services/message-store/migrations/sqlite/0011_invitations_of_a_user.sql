-- What waits for one user's answer is bounded, whoever invites.

CREATE INDEX invitations_by_user ON invitations (user_id, at);
