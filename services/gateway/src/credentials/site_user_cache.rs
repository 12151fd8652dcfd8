//! The embedding site's users, by what its tokens say of them. The auth service makes who is new and changes whom
//! the site describes anew; here is kept what it answered, so that a known user costs no call.

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

/// The users who are remembered: of a thousand bytes each, at most 50 MB in all.
const USERS_MAX: usize = 50_000;
/// How long an answer is good: less than disconnections are remembered for, and short enough for a profile that
/// was changed elsewhere.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long an answer serves while the auth service is away.
const STALE: Duration = Duration::from_secs(12 * 3_600);

/// The users who have come with the site's tokens.
pub(crate) struct SiteUserCache {
    auth: Arc<dyn Auth>,
    known: Mutex<LruMap<ExternalId, Arc<Known>>>,
    counters: Arc<Counters>,
}

/// What the auth service answered to what a token says.
struct Known {
    said: ExternalUser,
    answer: Recognized,
    at: Instant,
}

impl SiteUserCache {
    pub(crate) fn new(auth: Arc<dyn Auth>, counters: Arc<Counters>) -> Self {
        Self { auth, known: Mutex::new(lru_map(USERS_MAX)), counters }
    }

    /// Whom a token means.
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
            // The user is known, if not as described: better than nobody.
            (Err(error), Some(known))
                if matches!(error.code, Code::Unavailable | Code::DeadlineExceeded)
                    && known.at.elapsed() < STALE =>
            {
                debug!(%error, "a known user of the site is let in while the auth service is away");
                Ok(known.answer.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, LruMap<ExternalId, Arc<Known>>> {
        // No code that can panic runs under the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the answer is to these words, too: they are the same, or older than those that it was to.
    fn covers(&self, said: &ExternalUser) -> bool {
        let same = |a: &ExternalUser, b: &ExternalUser| {
            a.username == b.username && a.name == b.name && a.avatar_url == b.avatar_url
        };
        same(&self.said, said)
            || matches!((said.as_of, self.said.as_of), (Some(now), Some(then)) if now < then)
    }
}
