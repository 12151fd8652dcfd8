//! A cache of the API keys of the site's backend. An answer of the auth service stays for a few seconds; a
//! revoked key may be used here for as long.
//!
//! Keys that were valid are kept apart from other texts, so that no number of guessed keys evicts a valid one. A
//! request with an unknown text is paid from a budget of its address and from one of all addresses, before
//! anything is kept of the text. A key that was valid is outside both.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use madang_domain::{Code, Error, Limit, Result};
use madang_flow_control::{KeyedRateLimiter, LruMap, RateBucket, RateLimit, lru_map, subscriber_network};
use madang_rpc::{
    Auth,
    auth::{ApiKey, Scope, Token, VerifyApiKey},
};
use tokio::time::Instant;

use crate::admission::{Price, SharedKey, SharedLimits, Whose};

/// How long the cache keeps an answer. Refusals are cached too.
const KEPT: Duration = Duration::from_secs(5);
/// The most keys in the cache that were valid. No site has nearly as many.
const GOOD_MAX: usize = 8_192;
/// The most other texts in the cache: more than the rate limit lets in while an answer is kept.
const UNKNOWN_MAX: usize = 8_192;
/// The rate limit of one address for calls to the auth service about keys that were never valid.
const UNKNOWN_OF_ADDRESS: RateLimit = RateLimit { interval: Duration::from_millis(500), burst: 50 };
/// The most addresses whose budgets are kept; each takes some 100 bytes.
const ADDRESSES_MAX: usize = 50_000;
/// The rate limit of all addresses for such calls. Each costs the auth service one look into an index.
const UNKNOWN: RateLimit = RateLimit { interval: Duration::from_millis(5), burst: 400 };
/// What every API key begins with, and no token: a token begins with `{` in base64url.
const PREFIX: &str = "mk_";
/// The most bytes of a text that is hashed. Every real key is much shorter.
const KEY_MAX_BYTES: usize = 256;

/// The digest of a text. The cache has digests, so that a dump of this process's memory contains no key that is
/// not in use at that moment.
type KeyDigest = [u8; 32];

/// The API keys that requests have used here.
pub(crate) struct SiteKeys {
    auth: Arc<dyn Auth>,
    shown: Mutex<ShownTexts>,
    calls: RateLimit,
    shared: Arc<SharedLimits>,
    unknown: RateBucket,
    unknown_of_address: KeyedRateLimiter<Option<IpAddr>>,
    epoch: Instant,
}

/// The texts that requests have used as keys.
struct ShownTexts {
    /// The keys that have been valid.
    good: LruMap<KeyDigest, Arc<Shown>>,
    /// The other texts. No text is in both.
    unknown: LruMap<KeyDigest, Arc<Shown>>,
}

impl ShownTexts {
    fn get(&mut self, id: &KeyDigest) -> Option<Arc<Shown>> {
        let Self { good, unknown } = self;
        good.get(id).or_else(|| unknown.get(id)).map(Arc::clone)
    }
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
    pub(crate) fn new(auth: Arc<dyn Auth>, calls_per_second: u32, shared: Arc<SharedLimits>) -> Self {
        let calls =
            RateLimit { interval: Duration::from_secs(1) / calls_per_second, burst: calls_per_second };
        Self {
            auth,
            shown: Mutex::new(ShownTexts { good: lru_map(GOOD_MAX), unknown: lru_map(UNKNOWN_MAX) }),
            calls,
            shared,
            unknown: RateBucket::new(),
            unknown_of_address: KeyedRateLimiter::new(ADDRESSES_MAX),
            epoch: Instant::now(),
        }
    }

    /// Whether a text is that of an API key, good or not, and not a token.
    pub(crate) fn is_key(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The key with the text that a client at `ip` sent, if it has the scope. The errors are `unauthenticated` for
    /// an unknown or revoked key, `permission_denied` for a missing scope, and `rate_limited`.
    pub(crate) async fn verify(&self, text: &str, scope: Scope, ip: Option<IpAddr>) -> Result<Arc<ApiKey>> {
        if text.len() > KEY_MAX_BYTES {
            return Err(refused());
        }
        let mut id = KeyDigest::default();
        id.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let (shown, is_admitted) = self.shown(id, ip)?;
        let key = self.judge(&shown, text, id, ip, is_admitted).await?.ok_or_else(refused)?;
        if !key.may(scope) {
            let message = format!("this API key does not have the scope `{scope}`");
            return Err(Error::new(Code::PermissionDenied, message));
        }
        shown.calls.take(self.calls, self.now_micros()).map_err(reached(Limit::ServerCalls))?;
        let of_key = SharedKey { limit: Limit::ServerCalls, of: Whose::ApiKey(key.id.clone()) };
        self.shared.take(&of_key, Price { count: 1, rate: self.calls }).await.map_err(|wait| {
            shown.calls.give_back(1, self.calls);
            reached(Limit::ServerCalls)(wait)
        })?;
        Ok(key)
    }

    /// The auth service's answer for a text, from the cache or by a call. Concurrent requests with one text
    /// share one call.
    async fn judge(
        &self,
        shown: &Arc<Shown>,
        text: &str,
        id: KeyDigest,
        ip: Option<IpAddr>,
        is_admitted: bool,
    ) -> Result<Option<Arc<ApiKey>>> {
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
        if !is_admitted && !shown.was_good.load(Ordering::Relaxed) {
            self.admit(ip)?;
        }
        // The time before the call, since the answer may be as old as that.
        let asked_at = Instant::now();
        let answer = match self.auth.verify_api_key(VerifyApiKey { key: Token::new(text) }).await {
            Ok(key) => Ok(Some(Arc::new(key))),
            Err(error) if error.code == Code::Unauthenticated => Ok(None),
            Err(error) => Err(error),
        };
        if let Ok(key) = &answer {
            if key.is_some() && !shown.was_good.load(Ordering::Relaxed) {
                // It was no guess. What was spent of all is not given back: there is enough of it.
                self.unknown_of_address.give_back(&ip.map(subscriber_network), UNKNOWN_OF_ADDRESS);
            }
            self.sort(id, shown, key.is_some());
        }
        // The caller gets the cause of the failure and logs it.
        let kept = answer.clone();
        *verdict = Some(Verdict { answer: kept, asked_at, answered_at: Instant::now() });
        answer
    }

    /// The entry of a text. For a new text the budgets are charged first; `true` says that they were.
    fn shown(&self, id: KeyDigest, ip: Option<IpAddr>) -> Result<(Arc<Shown>, bool)> {
        let known = self.texts().get(&id);
        if let Some(known) = known {
            return Ok((known, false));
        }
        self.admit(ip)?;
        let new = Arc::new(Shown {
            verdict: tokio::sync::Mutex::default(),
            was_good: AtomicBool::new(false),
            calls: RateBucket::new(),
        });
        let mut texts = self.texts();
        // Another one may have brought the same text meanwhile.
        let shown = match texts.get(&id) {
            Some(known) => known,
            None => {
                texts.unknown.insert(id, Arc::clone(&new));
                new
            }
        };
        Ok((shown, true))
    }

    /// Spends the budgets of texts that are not known to be good.
    fn admit(&self, ip: Option<IpAddr>) -> Result<()> {
        let now = self.now_micros();
        let network = ip.map(subscriber_network);
        self.unknown_of_address
            .take(network, UNKNOWN_OF_ADDRESS, now)
            .map_err(reached(Limit::AddressUnknownCredentials))?;
        self.unknown.take(UNKNOWN, now).map_err(reached(Limit::UnknownApiKeys))
    }

    /// Keeps a text among those where it now belongs.
    fn sort(&self, id: KeyDigest, shown: &Arc<Shown>, is_good: bool) {
        let mut texts = self.texts();
        shown.was_good.store(is_good, Ordering::Relaxed);
        let ShownTexts { good, unknown } = &mut *texts;
        let (to, from) = if is_good { (good, unknown) } else { (unknown, good) };
        from.remove(&id);
        to.insert(id, Arc::clone(shown));
    }

    fn texts(&self) -> MutexGuard<'_, ShownTexts> {
        // No code that can panic runs under the lock.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

fn refused() -> Error {
    Error::new(Code::Unauthenticated, "the API key is unknown or revoked")
}

fn reached(limit: Limit) -> impl Fn(Duration) -> Error {
    move |wait| Error::rate_limited(limit, wait)
}

#[cfg(test)]
mod tests {
    use madang_bus::InProcessExchange;
    use madang_domain::GatewayId;
    use madang_rpc::around::Double;
    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;
    use crate::credentials::fake::{FakeAuth, GOOD};

    fn keys(scopes: &[Scope], calls_per_second: u32) -> (Arc<Double<FakeAuth>>, Arc<SiteKeys>) {
        let auth = Arc::new(FakeAuth::service(scopes));
        let alone = InProcessExchange::new().connect(GatewayId::new(Uuid::from_u128(1))).budgets;
        let shared = Arc::new(SharedLimits::new(alone, Arc::default()));
        let keys = SiteKeys::new(Arc::clone(&auth) as Arc<dyn Auth>, calls_per_second, shared);
        (auth, Arc::new(keys))
    }

    async fn code(keys: &SiteKeys, text: &str, scope: Scope) -> Option<Code> {
        keys.verify(text, scope, None).await.err().map(|error| error.code)
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

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_keys_neither_push_out_nor_hold_up_one_that_was_good() {
        let (auth, keys) = keys(&[Scope::Rooms], 1_000);
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        // More of them than are remembered of either kind, from many addresses, the site's own among them.
        let mut asked = 0;
        for n in 0..2 * UNKNOWN_MAX {
            let from = address((n % 200) as u8);
            let answered = keys.verify(&format!("mk_{n}"), Scope::Rooms, from).await.unwrap_err().code;
            assert!(matches!(answered, Code::Unauthenticated | Code::RateLimited));
            asked += u32::from(answered == Code::Unauthenticated);
        }
        // The valid key made the first of these calls.
        assert_eq!(asked + 1, UNKNOWN.burst, "the auth service gets no more calls");
        assert_eq!(auth.asked(), UNKNOWN.burst);
        assert_eq!(keys.texts().unknown.len(), asked as usize, "and no more is kept");
        for _ in 0..10 {
            assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        }
        assert_eq!(auth.asked(), UNKNOWN.burst, "the valid key is still cached");
        // The cached answer expires after guesses have used up the whole rate limit.
        advance(KEPT).await;
        for n in 0..2 * UNKNOWN.burst {
            let _ = keys.verify(&format!("mk_again_{n}"), Scope::Rooms, address((n % 200) as u8)).await;
        }
        assert_eq!(code(&keys, "mk_last", Scope::Rooms).await, Some(Code::RateLimited));
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        let too_long = "x".repeat(KEY_MAX_BYTES + 1);
        assert_eq!(code(&keys, &too_long, Scope::Rooms).await, Some(Code::Unauthenticated));
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_keys_of_one_address_do_not_hold_up_a_good_one_that_is_new_here() {
        let (_auth, keys) = keys(&[Scope::Rooms], 1_000);
        let mut refused = 0;
        for n in 0..1_000 {
            let answer = keys.verify(&format!("mk_{n}"), Scope::Rooms, address(1)).await;
            refused += u32::from(answer.unwrap_err().code == Code::RateLimited);
        }
        assert_eq!(refused, 1_000 - UNKNOWN_OF_ADDRESS.burst);
        assert!(keys.verify(GOOD, Scope::Rooms, address(2)).await.is_ok());
        assert!(keys.verify(GOOD, Scope::Rooms, address(1)).await.is_ok(), "known now, from everywhere");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_revoked_is_one_of_the_unknown() {
        let (auth, keys) = keys(&[Scope::Rooms], 1_000);
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        auth.set(Some(&[]));
        advance(KEPT).await;
        assert_eq!(code(&keys, GOOD, Scope::Rooms).await, Some(Code::Unauthenticated));
        {
            let texts = keys.texts();
            assert_eq!((texts.good.len(), texts.unknown.len()), (0, 1));
        }
        // Its refusal is kept like any other: the budget is for questions.
        for _ in 0..1_000 {
            assert_eq!(code(&keys, GOOD, Scope::Rooms).await, Some(Code::Unauthenticated));
        }
        assert_eq!(auth.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn each_key_has_its_pace() {
        let (_auth, keys) = keys(&[Scope::Rooms], 10);
        for _ in 0..10 {
            assert_eq!(code(&keys, GOOD, Scope::Rooms).await, None);
        }
        let refused = keys.verify(GOOD, Scope::Rooms, None).await.unwrap_err();
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
