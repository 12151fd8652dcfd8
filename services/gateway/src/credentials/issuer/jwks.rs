//! The issuer's public keys: read from a file or fetched, and kept while they cannot be.

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
/// An unknown key id has the keys fetched, at most this often: made-up ids cost the issuer nothing.
const REFRESH_UNKNOWN_EVERY: Duration = Duration::from_secs(5);
/// The pause after a failed fetch.
const RETRY_EVERY: Duration = Duration::from_secs(5);
/// How long one fetch may take.
const FETCH_DEADLINE: Duration = Duration::from_secs(4);
/// How long keys are good that cannot be fetched again: long enough for any repair, and not for ever, since a key
/// that was withdrawn would be good for as long.
const KEEP_UNREFRESHED: Duration = Duration::from_secs(24 * 3_600);
/// The bytes of a key set.
const SET_MAX_BYTES: usize = 256 * 1024;
/// The keys of a set; the rest is passed over.
const KEYS_MAX: usize = 64;

/// A public key, with the one algorithm that it is for: the key's word, never the token's (RFC 8725, section 3.1).
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
    /// When the keys were last asked for because of an unknown id. Holding it is the right to ask.
    asked: Mutex<Option<Instant>>,
    counters: Arc<Counters>,
}

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the file of keys cannot be read")]
    File(#[from] std::io::Error),
    #[error("the keys cannot be fetched")]
    Http(#[source] reqwest::Error),
    #[error("the set of keys is larger than {SET_MAX_BYTES} bytes")]
    TooLarge,
    #[error("not a JSON Web Key Set")]
    Malformed(#[from] serde_json::Error),
    #[error("no key of the set is of an algorithm that is accepted")]
    NoKey,
}

impl From<reqwest::Error> for FetchError {
    /// Without the address, which may hold what a log must not.
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
            // Keys come from where the operator said, and from nowhere else.
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

    /// Whether the keys come from a file, which an operator can put right before the start.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// Fetches the keys. On failure the last ones stay.
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
            info!(keys = keys.len(), "the issuer's keys are in");
        }
        self.fetched.store(Some(Arc::new(Fetched { keys, at: Instant::now() })));
        Ok(())
    }

    /// Keeps the keys fresh, for ever.
    pub(super) async fn keep(&self) {
        let mut failing = false;
        loop {
            let pause = match self.refresh().await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        info!("the issuer's keys can be had again");
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

    /// Whether a token's key is among them.
    pub(super) fn has(&self, header: &Header) -> bool {
        self.fetched.load().as_ref().is_some_and(|fetched| fetched.key(header).is_some())
    }

    /// Does something with a token's key, after another fetch where it is not known. None: there is no such key.
    /// `unavailable`: no keys could be had yet.
    pub(super) async fn with<T>(
        &self,
        header: &Header,
        act: impl Fn(Algorithm, &DecodingKey) -> T,
    ) -> Result<Option<T>> {
        if !self.has(header) {
            let mut asked = self.asked.lock().await;
            // Whoever waited may find that the one before has brought the key.
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
            fetched.ok_or_else(|| Error::unavailable("the issuer's keys cannot be had: try again"))?;
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
    /// The key that a header names; a token that names none is of the only one of its algorithm.
    fn key(&self, header: &Header) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == header.alg);
        match &header.kid {
            Some(id) => fitting.find(|key| key.id.as_ref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}

/// An error with what caused it: why a certificate is not trusted stands below three others.
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

/// The keys of a document that are for signatures of these algorithms.
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

/// The one algorithm of a key, by its kind. A symmetric key in a public set is nobody's secret.
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
