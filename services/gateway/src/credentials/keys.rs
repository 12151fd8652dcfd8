//! The public keys that verify access tokens. The gateway fetches them from the auth service and caches them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
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

/// The keys by id.
pub(super) struct Keys {
    auth: Arc<dyn Auth>,
    by_id: ArcSwap<HashMap<String, DecodingKey>>,
    /// When an unknown id last caused a fetch. Only the holder of this lock may fetch.
    asked: Mutex<Option<Instant>>,
}

impl Keys {
    pub(super) fn new(auth: Arc<dyn Auth>) -> Self {
        Self { auth, by_id: ArcSwap::default(), asked: Mutex::new(None) }
    }

    /// Fetches the keys. A failed fetch keeps the cached keys, so that a valid token stays valid while the
    /// auth service is unavailable.
    pub(super) async fn refresh(&self) -> Result<()> {
        let document = self.auth.get_keys(GetKeys).await?;
        let set: JwkSet = serde_json::from_str(&document).map_err(Error::internal)?;
        let mut by_id = HashMap::with_capacity(set.keys.len());
        for key in &set.keys {
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
        if by_id.len() != self.by_id.load().len() {
            info!(keys = by_id.len(), "fetched the verification keys");
        }
        self.by_id.store(Arc::new(by_id));
        Ok(())
    }

    /// Whether there is a key of that id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.by_id.load().contains_key(id)
    }

    /// Calls a function with the key of that id. Fetches the keys first if the id is unknown.
    pub(super) async fn with<T>(&self, id: &str, act: impl Fn(&DecodingKey) -> T) -> Result<Option<T>> {
        if let Some(key) = self.by_id.load().get(id) {
            return Ok(Some(act(key)));
        }
        let mut asked = self.asked.lock().await;
        // The previous holder of the lock may have fetched the key already.
        if !self.has(id) && asked.is_none_or(|at| at.elapsed() >= REFRESH_UNKNOWN_EVERY) {
            *asked = Some(Instant::now());
            self.refresh().await?;
        }
        drop(asked);
        Ok(self.by_id.load().get(id).map(act))
    }
}

/// The only algorithm of the auth service's own tokens.
pub(super) const ALGORITHM: Algorithm = Algorithm::EdDSA;
