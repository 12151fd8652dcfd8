//! The public keys that verify access tokens. The gateway fetches them from the auth service and caches them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use jsonwebtoken::{Algorithm, DecodingKey, jwk::JwkSet};
use madang_domain::{Error, Result};
use madang_rpc::{Auth, auth::GetKeys};
use tokio::{sync::Mutex, time::Instant};
use tracing::{info, warn};

/// How often the keys are fetched. A new key is published for longer than this before it signs.
pub(super) const REFRESH_EVERY: Duration = Duration::from_secs(60);
/// A token with an unknown key id causes a fetch, at most once in this time. So forged key ids put no load on
/// the auth service.
const REFRESH_UNKNOWN_EVERY: Duration = Duration::from_secs(5);
/// The pause after a failed fetch.
pub(super) const RETRY_EVERY: Duration = Duration::from_secs(1);

/// How long keys are good without a successful fetch: as long as an access token can live. By then every token that was
/// made before the auth service went away has expired, so that this fails nobody; and a key that was withdrawn meanwhile
/// is not good for longer.
const KEEP_UNREFRESHED: Duration = Duration::from_secs(24 * 3_600);
/// The most keys that are kept; further ones are ignored. The auth service publishes two or three.
const KEYS_MAX: usize = 64;

/// The keys by id.
pub(super) struct Keys {
    auth: Arc<dyn Auth>,
    fetched: ArcSwapOption<Fetched>,
    /// When an unknown id last caused a fetch. Only the holder of this lock may fetch.
    asked: Mutex<Option<Instant>>,
}

/// The keys of one fetch.
struct Fetched {
    by_id: HashMap<String, DecodingKey>,
    at: Instant,
}

impl Fetched {
    fn is_good(&self) -> bool {
        self.at.elapsed() < KEEP_UNREFRESHED
    }
}

impl Keys {
    pub(super) fn new(auth: Arc<dyn Auth>) -> Self {
        Self { auth, fetched: ArcSwapOption::empty(), asked: Mutex::new(None) }
    }

    /// Fetches the keys. A failed fetch keeps the cached keys, so that a valid token stays valid while the
    /// auth service is unavailable.
    pub(super) async fn refresh(&self) -> Result<()> {
        let document = self.auth.get_keys(GetKeys).await?;
        let set: JwkSet = serde_json::from_str(&document).map_err(Error::internal)?;
        if set.keys.len() > KEYS_MAX {
            warn!(
                published = set.keys.len(),
                KEYS_MAX, "too many keys are published; the last ones are ignored"
            );
        }
        let mut by_id = HashMap::with_capacity(set.keys.len().min(KEYS_MAX));
        for key in set.keys.iter().take(KEYS_MAX) {
            // The key determines the algorithm; the token's header must not (RFC 8725, section 3.1).
            let usable = key.common.key_algorithm.is_none_or(|algorithm| algorithm.to_string() == "EdDSA");
            match (&key.common.key_id, usable.then(|| DecodingKey::from_jwk(key))) {
                (Some(id), Some(Ok(key))) => {
                    by_id.insert(id.clone(), key);
                }
                _ => warn!("a published key is not usable and was ignored"),
            }
        }
        if by_id.is_empty() {
            return Err(Error::unavailable("the auth service has published no key yet"));
        }
        let before = self.fetched.load().as_ref().map(|fetched| fetched.by_id.len());
        if before != Some(by_id.len()) {
            info!(keys = by_id.len(), "fetched the verification keys");
        }
        self.fetched.store(Some(Arc::new(Fetched { by_id, at: Instant::now() })));
        Ok(())
    }

    /// Whether there are keys that are not too old.
    pub(super) fn are_good(&self) -> bool {
        self.fetched.load().as_ref().is_some_and(|fetched| fetched.is_good())
    }

    /// The time since the keys were last fetched; none before the first time.
    pub(super) fn age(&self) -> Option<Duration> {
        self.fetched.load().as_ref().map(|fetched| fetched.at.elapsed())
    }

    /// Whether there is a key of that id, however old.
    pub(super) fn has(&self, id: &str) -> bool {
        self.fetched.load().as_ref().is_some_and(|fetched| fetched.by_id.contains_key(id))
    }

    /// Calls a function with the key of that id. Fetches the keys first if the id is unknown. `unavailable`: the auth
    /// service has been away for so long that its keys may not be its keys any more.
    pub(super) async fn with<T>(&self, id: &str, act: impl Fn(&DecodingKey) -> T) -> Result<Option<T>> {
        if !self.has(id) {
            let mut asked = self.asked.lock().await;
            // The previous holder of the lock may have fetched the key already.
            if !self.has(id) && asked.is_none_or(|at| at.elapsed() >= REFRESH_UNKNOWN_EVERY) {
                *asked = Some(Instant::now());
                self.refresh().await?;
            }
        }
        let fetched = self.fetched.load();
        let Some(fetched) = fetched.as_ref() else { return Ok(None) };
        if !fetched.is_good() {
            return Err(Error::unavailable("the verification keys cannot be fetched: try again"));
        }
        Ok(fetched.by_id.get(id).map(act))
    }
}

/// The only algorithm of the auth service's own tokens.
pub(super) const ALGORITHM: Algorithm = Algorithm::EdDSA;
