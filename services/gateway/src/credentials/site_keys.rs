//! The API keys of the site's backend, as the auth service knows them. What it answered is kept for a few seconds:
//! that is how long a key that was revoked may still be used here.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use madang_rpc::{
    Auth,
    auth::{ApiKey, Scope},
};
use madang_vocabulary::{Code, Error, Result};
use tokio::time::Instant;

use super::recent::Recent;
use crate::budget::{Rate, RateLimit};

/// How long an answer is kept, a refusal too.
const KEPT: Duration = Duration::from_secs(5);
/// The keys that one of two generations holds: many more than any site has, so that made-up ones do not push out
/// those that are good.
const GENERATION_MAX: usize = 4_096;
/// How often the auth service is asked about keys that were never good: made-up ones cost it next to nothing, and
/// those that are known to be good are not held up by them.
const UNKNOWN: RateLimit = RateLimit { interval: Duration::from_millis(50), burst: 100 };
/// A key's text is much shorter; a longer one is not worth hashing.
const KEY_MAX_BYTES: usize = 256;

/// The keys that were shown here.
pub(crate) struct SiteKeys {
    auth: Arc<dyn Auth>,
    /// By the digest of the text: a dump of this process's memory holds no key that is not in use.
    shown: Mutex<Recent<[u8; 32], Arc<Shown>>>,
    calls: RateLimit,
    unknown: Rate,
    epoch: Instant,
}

/// A text that was shown as a key.
struct Shown {
    verdict: tokio::sync::Mutex<Option<Verdict>>,
    /// It has been good: asking about it again is no guess.
    was_good: AtomicBool,
    calls: Rate,
}

/// What the auth service answered; none: it is no key that is good.
#[derive(Clone)]
struct Verdict {
    key: Option<Arc<ApiKey>>,
    at: Instant,
}

impl SiteKeys {
    pub(crate) fn new(auth: Arc<dyn Auth>, calls_per_second: u32) -> Self {
        let calls =
            RateLimit { interval: Duration::from_secs(1) / calls_per_second, burst: calls_per_second };
        Self {
            auth,
            shown: Mutex::new(Recent::new(GENERATION_MAX)),
            calls,
            unknown: Rate::new(),
            epoch: Instant::now(),
        }
    }

    /// The key of a text, if it may be used for this. `unauthenticated`: it is none, or was revoked;
    /// `permission_denied`: it is not for this; `rate_limited`.
    pub(crate) async fn verify(&self, text: &str, scope: Scope) -> Result<Arc<ApiKey>> {
        if text.len() > KEY_MAX_BYTES {
            return Err(refused());
        }
        let shown = self.shown(text);
        let key = self.judge(&shown, text).await?.ok_or_else(refused)?;
        if !key.may(scope) {
            let message = format!("this API key has not the scope `{scope}`");
            return Err(Error::new(Code::PermissionDenied, message));
        }
        shown.calls.take(self.calls, self.now_micros()).map_err(too_many)?;
        Ok(key)
    }

    /// What the auth service says of a text, now or a moment ago; of many who ask at once, one does.
    async fn judge(&self, shown: &Shown, text: &str) -> Result<Option<Arc<ApiKey>>> {
        let mut verdict = shown.verdict.lock().await;
        if let Some(known) = verdict.as_ref().filter(|known| known.at.elapsed() < KEPT) {
            return Ok(known.key.clone());
        }
        if !shown.was_good.load(Ordering::Relaxed) {
            self.unknown.take(UNKNOWN, self.now_micros()).map_err(too_many)?;
        }
        // From before the call: what is answered may be as old as that.
        let at = Instant::now();
        let key = match self.auth.verify_api_key(text).await {
            Ok(key) => Some(Arc::new(key)),
            Err(error) if error.code == Code::Unauthenticated => None,
            Err(error) => return Err(error),
        };
        shown.was_good.store(key.is_some(), Ordering::Relaxed);
        *verdict = Some(Verdict { key: key.clone(), at });
        Ok(key)
    }

    fn shown(&self, text: &str) -> Arc<Shown> {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        // No code that can panic runs under the lock.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.get(&id).unwrap_or_else(|| {
            let new = Arc::new(Shown {
                verdict: tokio::sync::Mutex::default(),
                was_good: AtomicBool::new(false),
                calls: Rate::new(),
            });
            shown.insert(id, Arc::clone(&new));
            new
        })
    }

    fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

fn refused() -> Error {
    Error::new(Code::Unauthenticated, "the API key is unknown or revoked")
}

fn too_many(wait: Duration) -> Error {
    Error::new(Code::RateLimited, "too many calls: slow down").retry_after(wait)
}
