//! The issuer's public keys, read from a file or fetched from a URL. The last keys stay in use while a fetch
//! fails.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use madang_domain::{Error, Result};
use tokio::{sync::Mutex, time::Instant};
use tracing::{info, warn};

use crate::metrics::Counters;
use crate::settings::issuer::Source;

/// How often the keys are fetched.
const REFRESH_EVERY: Duration = Duration::from_secs(60);
/// A token with an unknown key id causes a fetch, at most once in this time. So forged key ids put no load on
/// the issuer.
const REFRESH_UNKNOWN_EVERY: Duration = Duration::from_secs(5);
/// The pause after a failed fetch.
const RETRY_EVERY: Duration = Duration::from_secs(5);
/// The deadline of one fetch.
const FETCH_DEADLINE: Duration = Duration::from_secs(4);
/// How long keys stay valid without a successful fetch. A day is long enough for any repair. It is bounded,
/// since a withdrawn key would stay valid for as long.
const KEEP_UNREFRESHED: Duration = Duration::from_secs(24 * 3_600);
/// The most bytes of a key set.
const SET_MAX_BYTES: usize = 256 * 1024;
/// The most keys of a set; further keys are ignored.
const KEYS_MAX: usize = 64;

/// A public key and its only algorithm. The key determines the algorithm; the token's header must not (RFC
/// 8725, section 3.1).
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The keys of one fetch.
struct Fetched {
    keys: Vec<Key>,
    at: Instant,
}

/// The issuer's keys.
pub(super) struct KeySet {
    algorithms: Vec<Algorithm>,
    source: Source,
    http: reqwest::Client,
    fetched: ArcSwapOption<Fetched>,
    /// When an unknown id last caused a fetch. Only the holder of this lock may fetch.
    asked: Mutex<Option<Instant>>,
    counters: Arc<Counters>,
}

/// Why a fetch gave no new keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the file of keys cannot be read")]
    File(#[from] std::io::Error),
    #[error("the keys cannot be fetched")]
    Http(#[source] reqwest::Error),
    #[error("the key set is larger than {SET_MAX_BYTES} bytes")]
    TooLarge,
    #[error("not a JSON Web Key Set")]
    Malformed(#[from] serde_json::Error),
    #[error("no key of the set has an accepted algorithm")]
    NoKey,
}

impl From<reqwest::Error> for FetchError {
    /// Leaves out the URL, which may contain a secret that must not be logged.
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

impl KeySet {
    pub(super) fn new(
        algorithms: Vec<Algorithm>,
        source: Source,
        counters: Arc<Counters>,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(FETCH_DEADLINE)
            // A redirect is not followed: keys come only from the URL that the operator configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            algorithms,
            source,
            http,
            fetched: ArcSwapOption::empty(),
            asked: Mutex::default(),
            counters,
        })
    }

    /// Whether the keys come from a file. An operator can correct a file before the start.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// Fetches the keys. A failed fetch keeps the last ones.
    pub(super) async fn refresh(&self) -> Result<(), FetchError> {
        let document = match &self.source {
            Source::File(path) => bounded_file(path).await?,
            Source::Url(url) => {
                bounded_body(self.http.get(url.clone()).send().await?.error_for_status()?).await?
            }
        };
        let keys = read(&document, &self.algorithms)?;
        let before = self.fetched.load().as_ref().map(|fetched| fetched.keys.len());
        if before != Some(keys.len()) {
            info!(keys = keys.len(), "fetched the issuer's keys");
        }
        self.fetched.store(Some(Arc::new(Fetched { keys, at: Instant::now() })));
        Ok(())
    }

    /// Refreshes the keys without end.
    pub(super) async fn keep(&self) {
        let mut failing = false;
        loop {
            let pause = match self.refresh().await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        info!("the issuer's keys can be fetched again");
                    }
                    REFRESH_EVERY
                }
                Err(error) => {
                    self.failed(&error, !std::mem::replace(&mut failing, true));
                    RETRY_EVERY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether the set contains the key of this token.
    pub(super) fn has(&self, header: &Header) -> bool {
        self.fetched.load().as_ref().is_some_and(|fetched| fetched.key(header).is_some())
    }

    /// Calls a function with the token's key. Fetches the keys first if the key is unknown. `None`: there is
    /// no such key. `unavailable`: no fetch has succeeded yet.
    pub(super) async fn with<T>(
        &self,
        header: &Header,
        act: impl Fn(Algorithm, &DecodingKey) -> T,
    ) -> Result<Option<T>> {
        if !self.has(header) {
            let mut asked = self.asked.lock().await;
            // The previous holder of the lock may have fetched the key already.
            if !self.has(header) && asked.is_none_or(|at| at.elapsed() >= REFRESH_UNKNOWN_EVERY) {
                *asked = Some(Instant::now());
                if let Err(error) = self.refresh().await {
                    self.failed(&error, false);
                }
            }
        }
        let fetched = self.fetched.load();
        let fetched = fetched.as_ref().filter(|fetched| fetched.at.elapsed() < KEEP_UNREFRESHED);
        let fetched =
            fetched.ok_or_else(|| Error::unavailable("the issuer's keys cannot be fetched: try again"))?;
        Ok(fetched.key(header).map(|key| act(key.algorithm, &key.key)))
    }

    fn failed(&self, error: &FetchError, is_first: bool) {
        self.counters.issuer_failures.add(1);
        if is_first {
            warn!(error = with_causes(error), "the issuer's keys cannot be fetched; the last ones are kept");
        }
    }
}

impl Fetched {
    /// The key that a header names. A header without a key id means the only key of its algorithm.
    fn key(&self, header: &Header) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == header.alg);
        match &header.kid {
            Some(id) => fitting.find(|key| key.id.as_ref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}

/// An error's text with all its causes. The reason why a certificate is not trusted is the fourth cause down.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn bounded_file(path: &std::path::Path) -> Result<Vec<u8>, FetchError> {
    use tokio::io::AsyncReadExt as _;
    let mut bytes = Vec::new();
    let limit = SET_MAX_BYTES as u64 + 1;
    tokio::fs::File::open(path).await?.take(limit).read_to_end(&mut bytes).await?;
    if bytes.len() > SET_MAX_BYTES { Err(FetchError::TooLarge) } else { Ok(bytes) }
}

async fn bounded_body(mut response: reqwest::Response) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > SET_MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The keys of a document that verify signatures of these algorithms.
fn read(document: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Key>, FetchError> {
    let set: JwkSet = serde_json::from_slice(document)?;
    let usable = |jwk: &Jwk| {
        let algorithm = algorithm_of(jwk).filter(|algorithm| algorithms.contains(algorithm))?;
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Key { id: jwk.common.key_id.clone(), algorithm, key })
    };
    let keys: Vec<Key> = set.keys.iter().take(KEYS_MAX).filter_map(usable).collect();
    if keys.is_empty() { Err(FetchError::NoKey) } else { Ok(keys) }
}

/// The only algorithm of a key, by its type. A symmetric key gets none: in a public set it is not a secret.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let is_meant = |said: &jsonwebtoken::jwk::KeyAlgorithm| said.to_string() == format!("{algorithm:?}");
    let common = &jwk.common;
    let fits = common.key_algorithm.as_ref().is_none_or(is_meant)
        && common.public_key_use.as_ref().is_none_or(|said| *said == PublicKeyUse::Signature);
    fits.then_some(algorithm)
}
