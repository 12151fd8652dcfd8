//! A cache of the embedding site's users, keyed by the external id in their tokens. The auth service creates
//! new users and updates profiles. This cache keeps its answers, so that a known user costs no call.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madang_domain::{Code, ExternalId, Profile, Result, Timestamp, UserId};
use madang_flow_control::{LruMap, lru_map};
use madang_kit::clock::Clock;
use madang_rpc::{
    Auth,
    auth::{ExternalUser, RecognizeUser, Recognized},
};
use tokio::{sync::mpsc, time::Instant};
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
    clock: Arc<dyn Clock>,
    /// Takes the profiles that the tokens have changed. When it is full the newest is dropped: such a profile is shown when
    /// its user next speaks.
    changed: mpsc::Sender<ChangedUser>,
}

/// A user of whom the site has said something new.
#[derive(Debug)]
pub(crate) struct ChangedUser {
    /// The profile as it is now.
    pub(crate) profile: Profile,
    /// The user was known here as somebody else: other gateways may know the user so, too.
    pub(crate) was_known: bool,
}

/// The auth service's answer for the claims of a token.
struct Known {
    said: ExternalUser,
    answer: Recognized,
    at: Instant,
}

impl SiteUserCache {
    pub(crate) fn new(
        auth: Arc<dyn Auth>,
        counters: Arc<Counters>,
        clock: Arc<dyn Clock>,
        changed: mpsc::Sender<ChangedUser>,
    ) -> Self {
        Self { auth, known: Mutex::new(lru_map(USERS_MAX)), counters, clock, changed }
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
        match (self.auth.recognize_user(RecognizeUser { user: said.clone(), by_backend: false }).await, known)
        {
            (Ok(answer), known) => {
                let changed = ChangedUser { profile: answer.profile.clone(), was_known: known.is_some() };
                if self.has_changed(known.as_deref(), &answer.profile)
                    && self.changed.try_send(changed).is_err()
                {
                    debug!(user = %answer.profile.id, "a changed profile is not told");
                }
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

    /// Whether others may not have been told of a profile: it is later than the one that was known here. Of a user who was
    /// not known, it changed not long ago; the answer to whoever changed it may have been lost.
    fn has_changed(&self, known: Option<&Known>, profile: &Profile) -> bool {
        match known {
            Some(known) => profile.version > known.answer.profile.version,
            None => self.clock.now().since(profile.version) < FRESH,
        }
    }

    /// Forgets users who were disconnected: one of them may have been erased, and the same external id may be another user's
    /// by the next token.
    pub(crate) fn forget(&self, users: &[(UserId, Timestamp)]) {
        if !users.is_empty() {
            let is_among = |id| users.iter().any(|(user, _)| *user == id);
            self.known().retain(|_, known| !is_among(known.answer.profile.id));
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
