//! The embedding site's own tokens. The site keeps its sign-in, and its users connect with the tokens that it
//! issues.
//!
//! The gateway verifies a token without a call to the site, by a shared secret or by the site's public keys.
//! It passes the claims about the user to the auth service (see [`super::SiteUserCache`]).

mod claims;
mod jwks;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode};
use madang_domain::{Code, Error, Result, Timestamp};
use madang_kit::StartError;

pub(crate) use self::claims::Claimed;
use self::{
    claims::{Claims, Rules},
    jwks::KeySet,
};
use crate::{
    metrics::Counters,
    settings::issuer::{ClaimNames, IssuerSettings, KeyPolicy, Policy},
};

/// The error message for a token whose signature, issuer or audience is wrong.
const BAD: &str = "the access token is not valid: get a new one";

/// The issuer of the embedding site.
pub(crate) struct Issuer {
    keys: Keys,
    /// One validation for each accepted algorithm. Each accepts only that algorithm.
    validations: Vec<(Algorithm, Validation)>,
    claims: ClaimNames,
    required: BTreeMap<String, String>,
    token_life: Option<Duration>,
}

enum Keys {
    Secret(DecodingKey),
    Public(KeySet),
}

impl Issuer {
    /// The issuer that the settings describe, or `None` if they accept no algorithm. A key file is read at
    /// once, so that a mistake in it is reported at the start. A URL may answer later.
    ///
    /// # Errors
    /// When the settings contradict each other, or the file holds no usable key.
    pub(crate) async fn new(
        settings: &IssuerSettings,
        counters: &Arc<Counters>,
    ) -> Result<Option<Self>, StartError> {
        let Some(Policy { keys, issuer, audience, claims, required, token_life }) = settings.policy()? else {
            return Ok(None);
        };
        let (keys, algorithms) = match keys {
            KeyPolicy::Secret(secret) => {
                (Keys::Secret(DecodingKey::from_secret(secret.expose().as_bytes())), vec![Algorithm::HS256])
            }
            KeyPolicy::Public { algorithms, source } => {
                let set = KeySet::new(algorithms.clone(), source, Arc::clone(counters));
                let set = set.map_err(|error| StartError::dependency("the HTTP client", error))?;
                if set.is_file() {
                    let read = set.refresh().await;
                    read.map_err(|error| {
                        StartError::setting("MADANG_ISSUER_JWKS_FILE", jwks::with_causes(&error))
                    })?;
                }
                (Keys::Public(set), algorithms)
            }
        };
        let validations = algorithms
            .into_iter()
            .map(|algorithm| (algorithm, validation(algorithm, issuer.as_deref(), audience.as_deref())))
            .collect();
        Ok(Some(Self { keys, validations, claims, required, token_life }))
    }

    /// Fetches the keys once.
    ///
    /// # Errors
    /// Says why that failed.
    pub(crate) async fn fetch_keys(&self) -> Result<(), String> {
        match &self.keys {
            Keys::Secret(_) => Ok(()),
            Keys::Public(set) => set.refresh().await.map_err(|error| jwks::with_causes(&error)),
        }
    }

    /// Refreshes the keys without end. Returns at once if there is nothing to fetch.
    pub(crate) async fn keep_keys(&self) {
        match &self.keys {
            Keys::Secret(_) => {}
            Keys::Public(set) => set.keep().await,
        }
    }

    /// Whether the site's tokens may have this algorithm.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.validation(algorithm).is_some()
    }

    /// Whether the token's key is a known key of the site.
    pub(crate) fn has_key(&self, header: &Header) -> bool {
        match &self.keys {
            Keys::Secret(_) => false,
            Keys::Public(set) => set.has(header),
        }
    }

    /// Verifies a token and reads its claims. `unauthenticated`: the token is invalid. `unavailable`: no keys
    /// could be fetched yet.
    pub(crate) async fn verify(&self, token: &str, header: &Header, now: Timestamp) -> Result<Claimed> {
        // No critical extension is supported, so that a token with one is refused (RFC 7515, section 4.1.11).
        let validation = self.validation(header.alg).filter(|_| header.crit.is_none());
        let validation = validation.ok_or_else(|| refused(BAD))?;
        let verify = |key: &DecodingKey| decode::<Claims>(token, key, validation);
        let decoded = match &self.keys {
            Keys::Secret(key) => verify(key),
            // The key determines its algorithm. No other algorithm is tried with it.
            Keys::Public(set) => set
                .with(header, |algorithm, key| (algorithm == header.alg).then(|| verify(key)))
                .await?
                .flatten()
                .ok_or_else(|| refused("the access token is signed with an unknown key: get a new one"))?,
        };
        let claims = decoded.map_err(|error| refused(BAD).caused_by(error))?.claims;
        let rules = Rules { names: &self.claims, required: &self.required, token_life: self.token_life };
        claims::read(token, &claims, rules, now)
    }

    fn validation(&self, algorithm: Algorithm) -> Option<&Validation> {
        self.validations.iter().find(|(known, _)| *known == algorithm).map(|(_, validation)| validation)
    }
}

/// The claims that are checked with the signature: issuer and audience. The injected clock judges the times
/// later.
fn validation(algorithm: Algorithm, issuer: Option<&str>, audience: Option<&str>) -> Validation {
    let mut validation = Validation::new(algorithm);
    let mut required = vec!["exp"];
    if let Some(issuer) = issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(audience) = audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn refused(message: &'static str) -> Error {
    Error::new(Code::Unauthenticated, message)
}
