//! A cache of the embedding site's users, keyed by the external id in their tokens. The auth service creates
//! new users and updates profiles. This cache keeps its answers, so that a known user costs no call.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madang_domain::{Code, ExternalId, Result};
use madang_flow_control::{LruMap, lru_map};
use madang_rpc::{
    Auth,
    auth::{ExternalUser, RecognizeUser, Recognized},
};
use tokio::time::Instant;
use tracing::debug;

use crate::metrics::Counters;

/// The most users in the cache. Each takes about a thousand bytes, so that the cache takes at most 50 MB.
const USERS_MAX: usize = 50_000;
/// How long an answer is fresh. It is shorter than disconnections are remembered, and short enough to pick up
/// a profile that was changed elsewhere.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long a stale answer is used while the auth service is unavailable.
const STALE: Duration = Duration::from_secs(12 * 3_600);

/// The site's users who have authenticated here.
pub(crate) struct SiteUserCache {
    auth: Arc<dyn Auth>,
    known: Mutex<LruMap<ExternalId, Arc<Known>>>,
    counters: Arc<Counters>,
}

/// The auth service's answer for the claims of a token.
struct Known {
    said: ExternalUser,
    answer: Recognized,
    at: Instant,
}

impl SiteUserCache {
    pub(crate) fn new(auth: Arc<dyn Auth>, counters: Arc<Counters>) -> Self {
        Self { auth, known: Mutex::new(lru_map(USERS_MAX)), counters }
    }

    /// The user whom a token names.
    pub(crate) async fn recognize(&self, said: ExternalUser) -> Result<Recognized> {
        let known = self.known().get(&said.external_id).cloned();
        if let Some(known) = &known
            && known.at.elapsed() < FRESH
            && known.covers(&said)
        {
            return Ok(known.answer.clone());
        }
        self.counters.site_users_asked.add(1);
        match (self.auth.recognize_user(RecognizeUser { user: said.clone() }).await, known) {
            (Ok(answer), _) => {
                let id = said.external_id.clone();
                let known = Arc::new(Known { said, answer: answer.clone(), at: Instant::now() });
                self.known().insert(id, known);
                Ok(answer)
            }
            // The cached profile differs from the token's. A user with an old profile is better than a
            // refusal.
            (Err(error), Some(known))
                if matches!(error.code, Code::Unavailable | Code::DeadlineExceeded)
                    && known.at.elapsed() < STALE =>
            {
                debug!(%error, "accepted a known user of the site while the auth service is unavailable");
                Ok(known.answer.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, LruMap<ExternalId, Arc<Known>>> {
        // A poisoned lock is used on, since no code under it can panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the answer also covers these claims: they are the same, or older than the claims that it
    /// answered.
    fn covers(&self, said: &ExternalUser) -> bool {
        let same = |a: &ExternalUser, b: &ExternalUser| {
            a.username == b.username && a.name == b.name && a.avatar_url == b.avatar_url
        };
        same(&self.said, said)
            || matches!((said.as_of, self.said.as_of), (Some(now), Some(then)) if now < then)
    }
}
