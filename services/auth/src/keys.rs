//! Signing keys: created once, shared by all replicas, and rotated without any refused token.
//!
//! The lifetime of a key:
//!
//! ```text
//! created_at        signs_from                        successor's signs_from
//!     |--- overlap ----|------------ period ---------------|--- retired after ---|
//!     | published      | published, signs                  | published           | forgotten
//! ```
//!
//! A key is published for the overlap before it signs, so that every verifier has it in its cache before its
//! first token. It stays published until its last token has expired. Generations count up and are unique in
//! the database. If several replicas rotate at the same time, one wins and the others take its key.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use madang_domain::Timestamp;
use madang_kit::clock::Random;
use madang_rpc::auth::claims::{self, AccessClaims};
use serde_json::json;

use crate::{
    encryption::{CannotDecrypt, KeyEncryption},
    error::{AuthError, Result},
    store::{Store, StoredKey},
    tokens::digest,
};

/// The largest difference between the clocks of replicas and verifiers.
pub(crate) const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);

/// The seed of an Ed25519 key (RFC 8032, 5.1.5).
const SEED_BYTES: usize = 32;

/// The schedule of key rotation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPolicy {
    /// How long a key signs.
    pub(crate) period: Duration,
    /// How long a key is published before it signs. It is longer than verifiers cache keys.
    pub(crate) overlap: Duration,
    /// How long a token is valid.
    pub(crate) access_lifetime: Duration,
}

impl KeyPolicy {
    /// The greatest age of a replica's copy of the keys when it signs or publishes. It is a quarter of the
    /// overlap, so that every replica has a key before that key signs.
    fn fresh_for(&self) -> Duration {
        self.overlap / 4
    }

    /// How long a key stays published after its successor starts to sign.
    fn retired_after(&self) -> Duration {
        self.access_lifetime + CLOCK_SKEW_MAX
    }
}

/// A loaded signing key.
struct Key {
    generation: i64,
    kid: String,
    public: Vec<u8>,
    signing: EncodingKey,
    signs_from: Timestamp,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("signs_from", &self.signs_from)
            .finish_non_exhaustive()
    }
}

/// A copy of the keys from the database, by generation.
#[derive(Debug, Default)]
struct KeySet {
    keys: Vec<Key>,
    loaded_at: Option<Timestamp>,
}

impl KeySet {
    fn is_fresh(&self, now: Timestamp, policy: &KeyPolicy) -> bool {
        // The difference is absolute: after a clock is set back, a copy must not count as fresh for long.
        self.loaded_at
            .is_some_and(|at| now.since(at) < policy.fresh_for() && at.since(now) < policy.fresh_for())
    }

    /// The latest key whose signing period has started, or else the first key. None has started if this clock
    /// is behind that of the replica that made the first key.
    fn signer(&self, now: Timestamp) -> Option<&Key> {
        self.keys.iter().rev().find(|key| key.signs_from <= now).or_else(|| self.keys.first())
    }

    /// The keys that are still published.
    fn published(&self, now: Timestamp, policy: &KeyPolicy) -> &[Key] {
        let oldest = self.keys.windows(2).rposition(|pair| {
            pair.get(1).is_some_and(|successor| successor.signs_from.plus(policy.retired_after()) <= now)
        });
        self.keys.get(oldest.map_or(0, |index| index + 1)..).unwrap_or_default()
    }
}

/// The keys of this deployment.
pub(crate) struct KeyRing {
    store: Arc<dyn Store>,
    random: Arc<dyn Random>,
    policy: KeyPolicy,
    encryption: Option<KeyEncryption>,
    loaded: ArcSwap<KeySet>,
    /// Held during a load, so that concurrent callers with a stale copy cause only one load.
    loading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("policy", &self.policy)
            .field("loaded", &self.loaded)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Creates an empty set; [`maintain`](Self::maintain) fills it.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        random: Arc<dyn Random>,
        policy: KeyPolicy,
        encryption: Option<KeyEncryption>,
    ) -> Self {
        Self {
            store,
            random,
            policy,
            encryption,
            loaded: ArcSwap::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// Signs the claims of an access token.
    pub(crate) async fn sign(&self, claims: &AccessClaims, now: Timestamp) -> Result<String> {
        let set = self.fresh(now).await?;
        let key = set.signer(now).ok_or_else(|| AuthError::defect("there is no signing key"))?;
        let header = Header {
            typ: Some(claims::TYPE.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, claims, &key.signing).map_err(AuthError::defect)
    }

    /// The public keys as a JSON Web Key Set. While the database does not answer, these are the last loaded
    /// keys. They are still valid, and verifiers can continue.
    pub(crate) async fn jwks(&self, now: Timestamp) -> Result<String> {
        let set = match self.fresh(now).await {
            Ok(set) => set,
            Err(error) => {
                let set = self.loaded.load_full();
                if set.keys.is_empty() {
                    return Err(error);
                }
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot load the keys; serving the last loaded public keys"
                );
                set
            }
        };
        let keys: Vec<_> =
            set.published(now, &self.policy).iter().map(|key| jwk(&key.kid, &key.public)).collect();
        Ok(json!({ "keys": keys }).to_string())
    }

    /// Loads the keys, creates the first or the next key when it is due, and deletes retired ones.
    pub(crate) async fn maintain(&self, now: Timestamp) -> Result<()> {
        let mut set = self.load(now).await?;
        let next = match set.keys.last() {
            // The first key signs at once, since no verifier can have an older copy of the set.
            None => Some((1, now)),
            Some(newest) if newest.signs_from.plus(self.policy.period) <= now.plus(self.policy.overlap) => {
                Some((newest.generation + 1, now.plus(self.policy.overlap)))
            }
            Some(_) => None,
        };
        if let Some((generation, signs_from)) = next {
            self.add(generation, now, signs_from).await?;
            set = self.load(now).await?;
        }
        if let Some(oldest) = set.published(now, &self.policy).first()
            && set.keys.first().is_some_and(|first| first.generation < oldest.generation)
        {
            self.store.delete_signing_keys_before(oldest.generation).await?;
            self.load(now).await?;
        }
        Ok(())
    }

    /// Adds a key before its scheduled time, for an operator, and returns its id. As usual, the key signs
    /// after the overlap. If the current keys have leaked, it signs at once. Then the older keys are deleted,
    /// and all their tokens become invalid.
    pub(crate) async fn rotate(&self, now: Timestamp, is_compromised: bool) -> Result<String> {
        let signs_from = if is_compromised { now } else { now.plus(self.policy.overlap) };
        loop {
            let generation = self.load(now).await?.keys.last().map_or(1, |newest| newest.generation + 1);
            // `None`: a replica has just added that generation on schedule. The loop then adds the next one.
            if let Some(kid) = self.add(generation, now, signs_from).await? {
                if is_compromised {
                    self.store.delete_signing_keys_before(generation).await?;
                }
                self.load(now).await?;
                return Ok(kid);
            }
        }
    }

    /// How long the key has signed that signs now; none before the keys are loaded.
    pub(crate) fn signer_age(&self, now: Timestamp) -> Option<Duration> {
        Some(now.since(self.loaded.load().signer(now)?.signs_from))
    }

    /// How long a verifier may cache the public keys.
    pub(crate) fn cache_time(&self) -> Duration {
        self.policy.overlap / 2
    }

    /// Adds a key and returns its id, or `None` if the generation exists already.
    async fn add(&self, generation: i64, now: Timestamp, signs_from: Timestamp) -> Result<Option<String>> {
        let key = self.make(generation, now, signs_from)?;
        if !self.store.insert_signing_key(&key).await? {
            return Ok(None);
        }
        tracing::info!(kid = %key.kid, generation, %signs_from, "made a signing key");
        Ok(Some(key.kid))
    }

    fn make(&self, generation: i64, now: Timestamp, signs_from: Timestamp) -> Result<StoredKey> {
        let mut seed = [0; SEED_BYTES];
        self.random.fill(&mut seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(AuthError::defect)?;
        let document = pair.to_pkcs8().map_err(AuthError::defect)?;
        let public_key = pair.public_key().as_ref().to_vec();
        let kid = thumbprint(&public_key);
        let private_key = match &self.encryption {
            Some(encryption) => encryption.encrypt(&kid, document.as_ref()).map_err(AuthError::defect)?,
            None => document.as_ref().to_vec(),
        };
        let is_encrypted = self.encryption.is_some();
        Ok(StoredKey { generation, kid, public_key, private_key, is_encrypted, created_at: now, signs_from })
    }

    /// A copy of the keys that is fresh enough for signing and publishing.
    async fn fresh(&self, now: Timestamp) -> Result<Arc<KeySet>> {
        let set = self.loaded.load_full();
        if set.is_fresh(now, &self.policy) {
            return Ok(set);
        }
        let _loading = self.loading.lock().await;
        let set = self.loaded.load_full();
        if set.is_fresh(now, &self.policy) { Ok(set) } else { self.load(now).await }
    }

    async fn load(&self, now: Timestamp) -> Result<Arc<KeySet>> {
        let stored = self.store.signing_keys().await?;
        let keys = stored.into_iter().map(|key| self.open(key)).collect::<Result<_>>()?;
        let set = Arc::new(KeySet { keys, loaded_at: Some(now) });
        self.loaded.store(Arc::clone(&set));
        Ok(set)
    }

    fn open(&self, key: StoredKey) -> Result<Key> {
        let document = match (&self.encryption, key.is_encrypted) {
            (_, false) => key.private_key,
            (Some(encryption), true) => {
                encryption.decrypt(&key.kid, &key.private_key).map_err(AuthError::defect)?
            }
            (None, true) => return Err(AuthError::defect(CannotDecrypt)),
        };
        Ok(Key {
            generation: key.generation,
            kid: key.kid,
            public: key.public_key,
            signing: EncodingKey::from_ed_der(&document),
            signs_from: key.signs_from,
        })
    }
}

/// A public key (RFC 8037, appendix A.2).
fn jwk(kid: &str, public: &[u8]) -> serde_json::Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": kid,
        "x": URL_SAFE_NO_PAD.encode(public),
    })
}

/// The key's id: its thumbprint (RFC 7638; for this kind of key RFC 8037, appendix A.3).
fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    URL_SAFE_NO_PAD.encode(digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
