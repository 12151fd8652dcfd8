//! A cache of the API keys of the site's backend. An answer of the auth service stays for a few seconds; a
//! revoked key may be used here for as long.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use madang_domain::{Code, Error, Limit, Result};
use madang_flow_control::{LruMap, RateBucket, RateLimit, lru_map};
use madang_rpc::{
    Auth,
    auth::{ApiKey, Scope, Token, VerifyApiKey},
};
use tokio::time::Instant;

/// How long the cache keeps an answer. Refusals are cached too.
const KEPT: Duration = Duration::from_secs(5);
/// The most keys in the cache. No site has nearly as many, so that guessed keys do not evict valid ones.
const KEYS_MAX: usize = 8_192;
/// The rate limit for calls to the auth service about keys that were never valid. So guessed keys put almost
/// no load on it. Keys that were valid before are outside this limit, so that guesses do not delay them.
const UNKNOWN: RateLimit = RateLimit { interval: Duration::from_millis(50), burst: 100 };
/// The most bytes of a text that is hashed. Every real key is much shorter.
const KEY_MAX_BYTES: usize = 256;

/// The API keys that requests have used here.
pub(crate) struct SiteKeys {
    auth: Arc<dyn Auth>,
    /// The cached keys by the digest of their text. So a dump of this process's memory contains no key that
    /// is not in use at that moment.
    shown: Mutex<LruMap<[u8; 32], Arc<Shown>>>,
    calls: RateLimit,
    unknown: RateBucket,
    epoch: Instant,
}

/// A text that a request has used as a key.
struct Shown {
    verdict: tokio::sync::Mutex<Option<Verdict>>,
    /// Whether the key has been valid before. Then another call about it is not a guess.
    was_good: AtomicBool,
    calls: RateBucket,
}

/// The answer of the auth service.
struct Verdict {
    /// `None`: the text is not a valid key.
    answer: Result<Option<Arc<ApiKey>>>,
    asked_at: Instant,
    answered_at: Instant,
}

impl SiteKeys {
    pub(crate) fn new(auth: Arc<dyn Auth>, calls_per_second: u32) -> Self {
        let calls =
            RateLimit { interval: Duration::from_secs(1) / calls_per_second, burst: calls_per_second };
        Self {
            auth,
            shown: Mutex::new(lru_map(KEYS_MAX)),
            calls,
            unknown: RateBucket::new(),
            epoch: Instant::now(),
        }
    }

    /// The key with this text, if it has the scope. The errors are `unauthenticated` for an unknown or
    /// revoked key, `permission_denied` for a missing scope, and `rate_limited`.
    pub(crate) async fn verify(&self, text: &str, scope: Scope) -> Result<Arc<ApiKey>> {
        if text.len() > KEY_MAX_BYTES {
            return Err(refused());
        }
        let shown = self.shown(text);
        let key = self.judge(&shown, text).await?.ok_or_else(refused)?;
        if !key.may(scope) {
            let message = format!("this API key does not have the scope `{scope}`");
            return Err(Error::new(Code::PermissionDenied, message));
        }
        shown.calls.take(self.calls, self.now_micros()).map_err(too_many)?;
        Ok(key)
    }

    /// The auth service's answer for a text, from the cache or by a call. Concurrent requests with one text
    /// share one call.
    async fn judge(&self, shown: &Shown, text: &str) -> Result<Option<Arc<ApiKey>>> {
        let came_at = Instant::now();
        let mut verdict = shown.verdict.lock().await;
        match verdict.as_ref() {
            Some(Verdict { answer: Ok(key), asked_at, .. }) if asked_at.elapsed() < KEPT => {
                return Ok(key.clone());
            }
            // A request that waited for a failed call must not repeat it. Otherwise each waiting request
            // would call in turn.
            Some(Verdict { answer: Err(error), answered_at, .. }) if *answered_at >= came_at => {
                return Err(error.clone());
            }
            Some(_) | None => {}
        }
        if !shown.was_good.load(Ordering::Relaxed) {
            self.unknown.take(UNKNOWN, self.now_micros()).map_err(too_many)?;
        }
        // The time before the call, since the answer may be as old as that.
        let asked_at = Instant::now();
        let answer = match self.auth.verify_api_key(VerifyApiKey { key: Token::new(text) }).await {
            Ok(key) => Ok(Some(Arc::new(key))),
            Err(error) if error.code == Code::Unauthenticated => Ok(None),
            Err(error) => Err(error),
        };
        if let Ok(key) = &answer {
            shown.was_good.store(key.is_some(), Ordering::Relaxed);
        }
        // The caller gets the cause of the failure and logs it.
        let kept = answer.clone();
        *verdict = Some(Verdict { answer: kept, asked_at, answered_at: Instant::now() });
        answer
    }

    fn shown(&self, text: &str) -> Arc<Shown> {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        // A poisoned lock is used on, since no code under it can panic.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shown.get(&id) {
            return Arc::clone(known);
        }
        let new = Arc::new(Shown {
            verdict: tokio::sync::Mutex::default(),
            was_good: AtomicBool::new(false),
            calls: RateBucket::new(),
        });
        shown.insert(id, Arc::clone(&new));
        new
    }

    fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

fn refused() -> Error {
    Error::new(Code::Unauthenticated, "the API key is unknown or revoked")
}

fn too_many(wait: Duration) -> Error {
    Error::rate_limited(Limit::ServerCalls, wait)
}

#[cfg(test)]
mod tests {
    use madang_rpc::around::Double;
    use tokio::time::advance;

    use super::*;
    use crate::credentials::fake::{FakeAuth, GOOD};

    fn keys(scopes: &[Scope], calls_per_second: u32) -> (Arc<Double<FakeAuth>>, Arc<SiteKeys>) {
        let auth = Arc::new(FakeAuth::service(scopes));
        let keys = SiteKeys::new(Arc::clone(&auth) as Arc<dyn Auth>, calls_per_second);
        (auth, Arc::new(keys))
    }

    async fn code(keys: &SiteKeys, text: &str, scope: Scope) -> Option<Code> {
        keys.verify(text, scope).await.err().map(|error| error.code)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_five_seconds_a_refusal_too() {
        let (auth, keys) = keys(&[Scope::Rooms], 1_000);
        for _ in 0..100 {
            assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
            assert_eq!(code(&keys, GOOD, Scope::Users).await, Some(Code::PermissionDenied));
            assert_eq!(code(&keys, "mk_bad", Scope::Rooms).await, Some(Code::Unauthenticated));
        }
        assert_eq!(auth.asked(), 2);
        auth.set(Some(&[]));
        advance(KEPT - Duration::from_millis(1)).await;
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        advance(Duration::from_millis(1)).await;
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, Some(Code::Unauthenticated), "revoked");
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_keys_do_not_hold_up_one_that_was_good() {
        let (auth, keys) = keys(&[Scope::Rooms], 1_000);
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        let mut codes = Vec::new();
        for n in 0..1_000 {
            codes.push(code(&keys, &format!("mk_{n}"), Scope::Rooms).await);
        }
        assert_eq!(auth.asked(), UNKNOWN.burst, "the valid key made the first of these calls");
        assert!(codes.ends_with(&[Some(Code::RateLimited)]));
        // The cached answer expires after guesses have used up the whole rate limit.
        advance(KEPT).await;
        for n in 0..UNKNOWN.burst {
            code(&keys, &format!("mk_again_{n}"), Scope::Rooms).await;
        }
        assert_eq!(code(&keys, "mk_last", Scope::Rooms).await, Some(Code::RateLimited));
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        assert_eq!(
            code(&keys, &"x".repeat(KEY_MAX_BYTES + 1), Scope::Rooms).await,
            Some(Code::Unauthenticated)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_key_has_its_pace() {
        let (_auth, keys) = keys(&[Scope::Rooms], 10);
        for _ in 0..10 {
            assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        }
        let refused = keys.verify(GOOD, Scope::Rooms).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.retry_after),
            (Code::RateLimited, Some(Duration::from_millis(100)))
        );
        advance(Duration::from_millis(100)).await;
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_who_wait_one_asks_and_all_hear_of_its_failure() {
        let (auth, keys) = keys(&[Scope::Rooms], 1_000);
        auth.set(None);
        auth.hold();
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let keys = Arc::clone(&keys);
                tokio::spawn(async move { code(&keys, GOOD, Scope::Rooms).await })
            })
            .collect();
        // All requests have started before the first answer.
        tokio::time::sleep(Duration::from_millis(1)).await;
        auth.answer_one();
        for waiter in waiting {
            let answer = tokio::time::timeout(Duration::from_secs(60), waiter).await.unwrap();
            assert_eq!(answer.unwrap(), Some(Code::Unavailable));
        }
        assert_eq!(auth.asked(), 1);
        // A later request makes a new call.
        auth.set(Some(&[Scope::Rooms]));
        auth.answer_one();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
    }
}
