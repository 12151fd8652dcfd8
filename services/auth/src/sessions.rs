//! Sessions: refresh, list, revocation.
//!
//! A refresh token is valid for one use. A second use means that two parties have it, and nobody can tell
//! which is the owner. So the whole session ends (RFC 9700, 4.14.2). Two tabs that refresh at once, and a
//! client that lost the answer, are no attackers. So for a short time, and until the successor is used, the
//! same device is answered again with the same successor (decision 0030).

use std::time::Duration;

use madang_domain::{Profile, SessionId, Timestamp, UserId};
use madang_flow_control::subscriber_network;
use madang_kit::clock::new_id;
use madang_rpc::auth::{
    ClientInfo, Grant, Presented, Revocations, Session,
    claims::{self, AccessClaims},
};

use crate::{
    engine::{Engine, before},
    error::{AuthError, Result},
    store::{Family, NewSession, RevocationQuery, Rotation, UserOrigin},
    tokens::RefreshToken,
};

/// The most bytes that are stored of a client's user agent.
const USER_AGENT_MAX_BYTES: usize = 200;
/// The most sessions in a list, newest first.
const SESSIONS_MAX: i64 = 200;
/// The most revocations in one answer. The caller continues from its cursor.
const REVOCATIONS_MAX: i64 = 10_000;
/// How far the embedding site's clock may be behind this one: a token that the site makes when it has heard of a disconnection
/// must say a second after it.
const SITE_CLOCK_BEHIND_MAX: Duration = Duration::from_millis(250);

impl Engine {
    /// Exchanges a refresh token. An address that has sent many bad ones is refused before any statement.
    pub(crate) async fn refresh(&self, token: &str, client: ClientInfo) -> Result<Grant> {
        let token = RefreshToken::decode(token).ok_or(AuthError::RefreshToken)?;
        let lookup = self.attempts.look_up(client.ip, self.clock.now())?;
        let exchanged = self.exchange(token, bounded(client)).await;
        if !matches!(exchanged, Err(AuthError::RefreshToken | AuthError::RefreshTokenReused)) {
            lookup.succeed();
        }
        exchanged
    }

    async fn exchange(&self, token: RefreshToken, client: ClientInfo) -> Result<Grant> {
        let now = self.clock.now();
        let family = self.live_family(&token, now).await?;
        if family.token != token.token_digest() {
            return self.repeat(family, &token, &client, now).await;
        }
        self.attempts.refresh(family.session, now)?;
        let successor = token.successor(&*self.random);
        let is_repeatable = !self.lifetimes.refresh_repeat.is_zero();
        let rotation = Rotation {
            session: family.session,
            from: token.token_digest(),
            to: successor.token_digest(),
            encrypted_successor: is_repeatable
                .then(|| token.encrypt_successor(family.session, &successor))
                .flatten(),
            now,
            live_until: self.live_until(now, family.ends_at),
            client: client.clone(),
        };
        // The access token is signed before the exchange is written. If signing fails, the old refresh token
        // is still valid.
        let grant = self.grant(family.profile, family.session, family.ends_at, &successor, now).await?;
        if !self.store.rotate(&rotation).await? {
            // The token was used, or the session ended, after this call read it.
            let family = self.live_family(&token, now).await?;
            return self.repeat(family, &token, &client, now).await;
        }
        Ok(grant)
    }

    async fn live_family(&self, token: &RefreshToken, now: Timestamp) -> Result<Family> {
        let family = self.store.family(&token.family_digest()).await?.ok_or(AuthError::RefreshToken)?;
        if family.is_revoked || family.live_until <= now {
            return Err(AuthError::RefreshToken);
        }
        Ok(family)
    }

    /// Answers a token that was exchanged before: as the first time where that may be, else its session ends.
    async fn repeat(
        &self,
        family: Family,
        token: &RefreshToken,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<Grant> {
        match self.successor_again(&family, token, client, now) {
            Some(successor) => {
                // Only here: a token that was used before ends its session however often it comes.
                self.attempts.refresh(family.session, now)?;
                tracing::debug!(session = %family.session, "a refresh is answered again");
                self.grant(family.profile, family.session, family.ends_at, &successor, now).await
            }
            None => {
                if self.store.revoke(family.session, None, now).await? {
                    let session = family.session;
                    tracing::warn!(%session, "a refresh token was used twice; its session has ended");
                }
                Err(AuthError::RefreshTokenReused)
            }
        }
    }

    /// What the token was exchanged for, if it was the last exchange, a moment ago, by the same device, and the successor
    /// has not been used.
    fn successor_again(
        &self,
        family: &Family,
        token: &RefreshToken,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Option<RefreshToken> {
        let last = family.last_exchange.as_ref()?;
        let is_again = last.from == token.token_digest()
            && now.since(last.at) <= self.lifetimes.refresh_repeat
            && is_same_device(&last.client, client);
        let successor =
            is_again.then(|| token.decrypt_successor(family.session, &last.encrypted_successor)).flatten()?;
        (successor.token_digest() == family.token).then_some(successor)
    }

    /// Notes that a user showed an access token: the exchange that it comes from is complete, and not repeated any more.
    pub(crate) async fn note_presented(&self, presented: Option<Presented>) -> Result<()> {
        match presented {
            Some(Presented { session, issued_at }) => {
                Ok(self.store.end_repetition(session, issued_at).await?)
            }
            None => Ok(()),
        }
    }

    /// Ends the session of a refresh token, whether the token is current or already used.
    pub(crate) async fn logout(&self, token: &str, client: &ClientInfo) -> Result<()> {
        let Some(token) = RefreshToken::decode(token) else { return Ok(()) };
        let lookup = self.attempts.look_up(client.ip, self.clock.now())?;
        let family = self.store.family(&token.family_digest()).await;
        let is_refused =
            family.as_ref().is_ok_and(|family| family.as_ref().is_none_or(|family| family.is_revoked));
        if !is_refused {
            lookup.succeed();
        }
        if let Some(family) = family? {
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
    ///
    /// The tokens of the embedding site count whole seconds. Those of the second of the disconnection are refused,
    /// since they may be older than it. So the disconnection of a site's user returns when that second is over. What
    /// the site issues after the answer then has a later second.
    pub(crate) async fn disconnect(&self, user: UserId) -> Result<()> {
        let now = self.clock.now();
        let origin = self.store.disconnect(user, now).await?.ok_or(AuthError::NoSuchUser)?;
        tracing::info!(%user, "disconnected");
        match origin {
            UserOrigin::Here => {}
            UserOrigin::Site => self.until_later_second(now).await,
        }
        Ok(())
    }

    /// Waits until even the site's clock shows a later second.
    pub(crate) async fn until_later_second(&self, now: Timestamp) {
        tokio::time::sleep(later_second(now).since(self.clock.now())).await;
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

/// The time at which even the site's clock shows a later second than that of `now`.
fn later_second(now: Timestamp) -> Timestamp {
    let next = now.as_seconds().saturating_add(1).saturating_mul(1_000_000);
    Timestamp::from_micros(next).plus(SITE_CLOCK_BEHIND_MAX)
}

/// Whether two requests seem to come from one device: from the same network, by the same program. This is a
/// hint and no proof, since the client chooses its user agent.
fn is_same_device(one: &ClientInfo, other: &ClientInfo) -> bool {
    let network = |client: &ClientInfo| client.ip.map(subscriber_network);
    network(one) == network(other) && one.user_agent == other.user_agent
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
    fn a_disconnection_is_answered_in_a_later_second() {
        let at = |micros: i64| Timestamp::from_micros(micros);
        assert_eq!(later_second(at(7_000_000)), at(8_250_000));
        assert_eq!(later_second(at(7_999_999)), at(8_250_000));
        assert_eq!(later_second(at(8_000_000)), at(9_250_000));
    }

    #[test]
    fn a_device_is_known_by_network_and_program() {
        let client = |ip: &str, agent: &str| ClientInfo {
            ip: Some(ip.parse().unwrap()),
            user_agent: Some(agent.to_owned()),
        };
        let one = client("2001:db8::1", "a");
        assert!(is_same_device(&one, &client("2001:db8::2", "a")), "another address of the same network");
        assert!(!is_same_device(&one, &client("2001:db8:0:1::1", "a")));
        assert!(!is_same_device(&one, &client("2001:db8::1", "b")));
        assert!(!is_same_device(&one, &ClientInfo::default()));
        assert!(is_same_device(&client("192.0.2.1", "a"), &client("::ffff:192.0.2.1", "a")));
    }

    #[test]
    fn a_user_agent_is_cut_between_characters() {
        let kept = |text: &str| {
            bounded(ClientInfo { ip: None, user_agent: Some(text.to_owned()) }).user_agent.unwrap()
        };
        assert_eq!(kept("curl\0/8\n"), "curl/8");
        assert_eq!(kept(&"가".repeat(100)), "가".repeat(66));
    }
}
