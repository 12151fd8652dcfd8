//! Sessions: refresh, list, revocation.
//!
//! A refresh token is valid for one use. A second use means that two parties have it, and nobody can tell
//! which is the owner. So the whole session ends (RFC 9700, 4.14.2). There is no grace: of two concurrent
//! refreshes one wins; the other counts as reuse and ends the session for both. A client must therefore
//! refresh in one place. If it loses the answer, it signs in again.

use madang_domain::{Profile, SessionId, Timestamp, UserId};
use madang_kit::clock::new_id;
use madang_rpc::auth::{
    ClientInfo, Grant, Revocations, Session,
    claims::{self, AccessClaims},
};

use crate::{
    engine::{Engine, before},
    error::{AuthError, Result},
    store::{NewSession, RevocationQuery, Rotation},
    tokens::RefreshToken,
};

/// The most bytes that are stored of a client's user agent.
const USER_AGENT_MAX_BYTES: usize = 200;
/// The most sessions in a list, newest first.
const SESSIONS_MAX: i64 = 200;
/// The most revocations in one answer. The caller continues from its cursor.
const REVOCATIONS_MAX: i64 = 10_000;

impl Engine {
    /// Exchanges a refresh token.
    pub(crate) async fn refresh(&self, token: &str, client: ClientInfo) -> Result<Grant> {
        let now = self.clock.now();
        let token = RefreshToken::decode(token).ok_or(AuthError::RefreshToken)?;
        let family = self.store.family(&token.family_digest()).await?.ok_or(AuthError::RefreshToken)?;
        if family.is_revoked || family.live_until <= now {
            return Err(AuthError::RefreshToken);
        }
        if family.token != token.token_digest() {
            return self.end_reused(family.session, now).await;
        }
        let successor = token.successor(&*self.random);
        let rotation = Rotation {
            session: family.session,
            from: token.token_digest(),
            to: successor.token_digest(),
            now,
            live_until: self.live_until(now, family.ends_at),
            client: bounded(client),
        };
        // The access token is signed before the exchange is written. If signing fails, the old refresh token
        // is still valid.
        let grant = self.grant(family.profile, family.session, family.ends_at, &successor, now).await?;
        if !self.store.rotate(&rotation).await? {
            // The token was used, or the session ended, after this call read it.
            return self.end_reused(family.session, now).await;
        }
        Ok(grant)
    }

    async fn end_reused(&self, session: SessionId, now: Timestamp) -> Result<Grant> {
        if self.store.revoke(session, None, now).await? {
            tracing::warn!(%session, "a refresh token was used twice; its session has ended");
        }
        Err(AuthError::RefreshToken)
    }

    /// Ends the session of a refresh token, whether the token is current or already used.
    pub(crate) async fn logout(&self, token: &str) -> Result<()> {
        let Some(token) = RefreshToken::decode(token) else { return Ok(()) };
        if let Some(family) = self.store.family(&token.family_digest()).await? {
            self.store.revoke(family.session, None, self.clock.now()).await?;
            tracing::info!(user = %family.profile.id, session = %family.session, "signed out");
        }
        Ok(())
    }

    /// Lists a user's live sessions.
    pub(crate) async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        Ok(self.store.live_sessions(user, self.clock.now(), SESSIONS_MAX).await?)
    }

    /// Ends one of a user's sessions.
    pub(crate) async fn revoke_session(&self, user: UserId, session: SessionId) -> Result<()> {
        if !self.store.revoke(session, Some(user), self.clock.now()).await? {
            return Err(AuthError::NoSuchSession);
        }
        tracing::info!(%user, %session, "a session was revoked");
        Ok(())
    }

    /// Returns the sessions that ended and the users who were disconnected after a cursor.
    pub(crate) async fn revocations(&self, cursor: Option<i64>) -> Result<Revocations> {
        let since = before(self.clock.now(), self.lifetimes.revocation());
        let query = RevocationQuery { after: cursor, since, limit: REVOCATIONS_MAX };
        Ok(self.store.revocations(query).await?)
    }

    /// Revokes all credentials of a user that were issued until now.
    pub(crate) async fn disconnect(&self, user: UserId) -> Result<()> {
        if !self.store.disconnect(user, self.clock.now()).await? {
            return Err(AuthError::NoSuchUser);
        }
        tracing::info!(%user, "disconnected");
        Ok(())
    }

    /// Creates a session with its first refresh token.
    pub(crate) fn new_session(
        &self,
        user: UserId,
        client: ClientInfo,
        now: Timestamp,
    ) -> (NewSession, RefreshToken) {
        let token = RefreshToken::new(&*self.random);
        let ends_at = now.plus(self.lifetimes.session_max);
        let session = NewSession {
            id: SessionId::new(new_id(&*self.clock, &*self.random)),
            user,
            family: token.family_digest(),
            token: token.token_digest(),
            created_at: now,
            live_until: self.live_until(now, ends_at),
            ends_at,
            client: bounded(client),
        };
        (session, token)
    }

    /// Issues the tokens of a session.
    pub(crate) async fn grant(
        &self,
        profile: Profile,
        session: SessionId,
        ends_at: Timestamp,
        refresh_token: &RefreshToken,
        now: Timestamp,
    ) -> Result<Grant> {
        let expires_at = self.access_expires_at(now, ends_at);
        let access_claims = AccessClaims {
            iss: claims::ISSUER.to_owned(),
            aud: claims::AUDIENCE.to_owned(),
            sub: profile.id.to_string(),
            exp: expires_at.as_seconds(),
            iat: now.as_seconds(),
            jti: new_id(&*self.clock, &*self.random).to_string(),
            sid: session.to_string(),
            preferred_username: profile.username.to_string(),
            name: profile.name.to_string(),
            picture: profile.avatar_url.as_ref().map(ToString::to_string),
            profile_version: profile.version.as_micros(),
        };
        Ok(Grant {
            access_token: self.keys.sign(&access_claims, now).await?,
            refresh_token: refresh_token.encode(),
            expires_in: expires_at.since(now),
            user: profile,
        })
    }

    /// The expiry of a credential that is issued now: no later than that of its session.
    pub(crate) fn access_expires_at(&self, now: Timestamp, ends_at: Timestamp) -> Timestamp {
        now.plus(self.lifetimes.access_token).min(ends_at)
    }

    fn live_until(&self, now: Timestamp, ends_at: Timestamp) -> Timestamp {
        now.plus(self.lifetimes.session_idle).min(ends_at)
    }
}

/// A client's user agent as it is stored: bounded, and without characters that PostgreSQL refuses or a
/// terminal interprets.
fn bounded(client: ClientInfo) -> ClientInfo {
    let user_agent = client.user_agent.map(|text| {
        let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
        text.truncate(text.floor_char_boundary(USER_AGENT_MAX_BYTES));
        text
    });
    ClientInfo { ip: client.ip, user_agent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_between_characters() {
        let kept = |text: &str| {
            bounded(ClientInfo { ip: None, user_agent: Some(text.to_owned()) }).user_agent.unwrap()
        };
        assert_eq!(kept("curl\0/8\n"), "curl/8");
        assert_eq!(kept(&"가".repeat(100)), "가".repeat(66));
    }
}
