//! Verification: of tokens here, without a call; of tickets by the auth service, which uses them up.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Validation, decode, decode_header};
use madang_kit::{clock::Clock, health::Check};
use madang_rpc::{
    Auth,
    auth::{
        Identity,
        claims::{AUDIENCE, AccessClaims, ISSUER, TYPE},
    },
    event::Profile,
};
use madang_vocabulary::{
    AvatarUrl, Code, DisplayName, Error, Result, SessionId, Timestamp, UserId, Username,
};

use super::{
    Credential, Revocations,
    keys::{ALGORITHM, Keys, REFRESH_EVERY, RETRY_EVERY},
};

/// How far the clocks of two machines may differ (RFC 8725 asks for a small leeway, ASVS for 60 s at most).
const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// No token of ours is longer; a longer text is not worth parsing.
const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Tells whose a credential is.
pub(crate) struct Verifier {
    auth: Arc<dyn Auth>,
    keys: Keys,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    validation: Validation,
}

impl Verifier {
    pub(crate) fn new(auth: Arc<dyn Auth>, revocations: Arc<Revocations>, clock: Arc<dyn Clock>) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are judged by the clock that was passed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { keys: Keys::new(Arc::clone(&auth)), auth, revocations, clock, validation }
    }

    /// Keeps the keys fresh, for ever; says in `check` whether there are any.
    pub(crate) async fn keep_keys(self: Arc<Self>, check: Check) {
        let mut had_keys = false;
        loop {
            let pause = match self.keys.refresh().await {
                Ok(()) => {
                    had_keys = true;
                    check.ready();
                    REFRESH_EVERY
                }
                Err(error) => {
                    if !had_keys {
                        check.failing("the verification keys have not been fetched yet");
                        tracing::warn!(%error, "the verification keys cannot be fetched; trying again");
                    }
                    RETRY_EVERY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells whose a credential is. `unauthenticated`: nobody's, or no longer anybody's.
    pub(crate) async fn verify(&self, credential: &Credential) -> Result<Identity> {
        let identity = match credential {
            Credential::Token(token) => self.verify_token(token).await?,
            Credential::Ticket(ticket) => self.auth.redeem_ticket(ticket).await?,
        };
        if self.revocations.contains(identity.session) {
            return Err(refused("the session was revoked: sign in again"));
        }
        Ok(identity)
    }

    async fn verify_token(&self, token: &str) -> Result<Identity> {
        const BAD: &str = "the access token is not valid: get a new one";
        if token.len() > TOKEN_MAX_BYTES {
            return Err(refused(BAD));
        }
        let header = decode_header(token).map_err(|error| refused(BAD).caused_by(error))?;
        // An id token or a token of another algorithm is not an access token (RFC 9068, section 4).
        if header.alg != ALGORITHM || !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE))
        {
            return Err(refused(BAD));
        }
        let id = header.kid.ok_or_else(|| refused(BAD))?;
        let claims = self
            .keys
            .with(&id, |key| decode::<AccessClaims>(token, key, &self.validation))
            .await?
            .ok_or_else(|| refused(BAD))?
            .map_err(|error| refused(BAD).caused_by(error))?
            .claims;
        let now = self.clock.now().as_seconds();
        let skew = CLOCK_SKEW.as_secs().cast_signed();
        if claims.exp.saturating_add(skew) <= now {
            return Err(refused("the access token has expired: get a new one"));
        }
        if claims.iat.saturating_sub(skew) > now {
            return Err(refused("the access token is from the future: check the clocks of the servers"));
        }
        identity(&claims).map_err(|error| refused(BAD).caused_by(error))
    }
}

fn identity(claims: &AccessClaims) -> Result<Identity> {
    Ok(Identity {
        profile: Profile {
            id: claims.sub.parse::<UserId>()?,
            username: Username::new(claims.preferred_username.as_str())?,
            name: DisplayName::new(claims.name.as_str())?,
            avatar_url: claims.picture.as_deref().map(AvatarUrl::new).transpose()?,
            external_id: None,
            version: Timestamp::from_micros(claims.profile_version),
        },
        session: claims.sid.parse::<SessionId>()?,
        expires_at: Timestamp::from_micros(claims.exp.saturating_mul(1_000_000)),
    })
}

fn refused(message: &'static str) -> Error {
    Error::new(Code::Unauthenticated, message)
}
