//! Verification: of tokens here, without a call; of tickets by the auth service, which uses them up.
//!
//! A token is ours, or the embedding site's. Ours say so in their header (`at+jwt`, EdDSA) and name a key of ours;
//! every other one is the site's, where a site's are accepted at all. Which of the two it claims to be decides
//! nothing but who verifies it: each accepts its own keys, issuer and audience alone.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Header, Validation, decode, decode_header};
use madang_domain::{
    AvatarUrl, Code, DisplayName, Error, Profile, Result, SessionId, Timestamp, UserId, Username,
};
use madang_kit::{clock::Clock, health::Check};
use madang_rpc::{
    Auth,
    auth::{
        CredentialIssuer, Identity, Recognized, RedeemTicket, Token,
        claims::{AUDIENCE, AccessClaims, ISSUER, TYPE},
    },
};

use super::{
    Credential, Issuer, Revocations, SiteUserCache,
    keys::{ALGORITHM, Keys, REFRESH_EVERY, RETRY_EVERY},
    times::{CLOCK_SKEW, seconds},
};

/// No token of ours is longer; a longer text is not worth parsing.
const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// What a caller is told of a token that is not good.
const BAD: &str = "the access token is not valid: get a new one";

/// Tells whose a credential is.
pub(crate) struct Verifier {
    auth: Arc<dyn Auth>,
    keys: Keys,
    site: Option<SiteTokens>,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    validation: Validation,
}

/// What it takes to accept tokens of the embedding site: their issuer, and the users whom they name.
pub(crate) struct SiteTokens {
    pub(crate) issuer: Issuer,
    pub(crate) users: SiteUserCache,
}

impl Verifier {
    pub(crate) fn new(
        auth: Arc<dyn Auth>,
        site: Option<SiteTokens>,
        revocations: Arc<Revocations>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are judged by the clock that was passed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { keys: Keys::new(Arc::clone(&auth)), auth, site, revocations, clock, validation }
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

    /// Keeps the keys of the embedding site fresh, for ever.
    pub(crate) async fn keep_site_keys(self: Arc<Self>) {
        if let Some(site) = &self.site {
            site.issuer.keep_keys().await;
        }
    }

    /// Tells whose a credential is. `unauthenticated`: nobody's, or no longer anybody's.
    pub(crate) async fn verify(&self, credential: &Credential) -> Result<Identity> {
        let identity = match credential {
            Credential::Token(token) => self.verify_token(token).await?,
            Credential::Ticket(ticket) => {
                self.auth.redeem_ticket(RedeemTicket { ticket: Token::new(ticket) }).await?
            }
        };
        if self.revocations.end(identity.session, identity.profile.id, identity.issued_at) {
            return Err(refused("the session was revoked: sign in again"));
        }
        Ok(identity)
    }

    async fn verify_token(&self, token: &str) -> Result<Identity> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(refused(BAD));
        }
        let header = decode_header(token).map_err(|error| refused(BAD).caused_by(error))?;
        // An id token or a token of another algorithm is not an access token of ours (RFC 9068, section 4).
        let is_typed = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
        let own_key = header.kid.as_deref().filter(|_| is_typed && header.alg == ALGORITHM);
        match (&self.site, own_key) {
            (None, Some(id)) => self.verify_own(token, id).await,
            (None, None) => Err(refused(BAD)),
            // A key of ours is nobody else's; one of neither is looked for here first.
            (Some(site), Some(id)) if self.keys.has(id) || !site.issuer.has_key(&header) => {
                match self.verify_own(token, id).await {
                    Err(error)
                        if error.code == Code::Unauthenticated
                            && !self.keys.has(id)
                            && site.issuer.accepts(header.alg) =>
                    {
                        self.verify_site(site, token, &header).await
                    }
                    judged => judged,
                }
            }
            (Some(site), _) => self.verify_site(site, token, &header).await,
        }
    }

    async fn verify_site(&self, site: &SiteTokens, token: &str, header: &Header) -> Result<Identity> {
        let claimed = site.issuer.verify(token, header, self.clock.now()).await?;
        let Recognized { profile, disconnected_at } = site.users.recognize(claimed.user).await?;
        if disconnected_at.is_some_and(|at| claimed.issued_at <= at) {
            return Err(refused("the user was disconnected since the token was made: get a new one"));
        }
        Ok(Identity {
            profile,
            session: claimed.session,
            expires_at: claimed.expires_at,
            issued_at: claimed.issued_at,
            issuer: CredentialIssuer::Site,
        })
    }

    async fn verify_own(&self, token: &str, id: &str) -> Result<Identity> {
        let claims = self
            .keys
            .with(id, |key| decode::<AccessClaims>(token, key, &self.validation))
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
            username: Username::recorded(claims.preferred_username.as_str())?,
            name: DisplayName::recorded(claims.name.as_str())?,
            avatar_url: claims.picture.as_deref().and_then(AvatarUrl::recorded),
            external_id: None,
            version: Timestamp::from_micros(claims.profile_version),
        },
        session: claims.sid.parse::<SessionId>()?,
        expires_at: seconds(claims.exp),
        // The last moment of the second that it counts: a session of ours that ended is known by itself, and one
        // that began in the very second in which its user was disconnected must be good.
        issued_at: seconds(claims.iat).plus(Duration::from_micros(999_999)),
        issuer: CredentialIssuer::Auth,
    })
}

fn refused(message: &'static str) -> Error {
    Error::new(Code::Unauthenticated, message)
}
