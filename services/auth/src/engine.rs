//! The state that all operations share. The operations are in `accounts`, `sessions` and `tickets`.

use std::{fmt, sync::Arc, time::Duration};

use madang_domain::Timestamp;
use madang_kit::{
    Registration,
    clock::{Clock, Random},
};

use crate::{
    attempts::Attempts,
    audit::Audit,
    error::Result,
    hashing::Hasher,
    keys::KeyRing,
    settings::{Lifetimes, Policy},
    store::{SessionPurge, Store},
};

/// How long the name of an erased user, and its look-alikes, rest before others may have them: as long as a room's slug.
/// Others write to that name for a while, and mean the one who had it.
const NAME_REST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long an expired session stays in the database: long enough to investigate a complaint.
const EXPIRED_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// How long the feed of revocations names a disconnected user. Tokens of the embedding site may be valid for
/// longer than any of this service's. A gateway that was cut off must still learn of the disconnection. The
/// account itself keeps the time of the disconnection for good.
const DISCONNECTIONS_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// The most rows of each table that one purge removes. So no lock is held for long, and the next purge
/// follows soon.
const PURGE_MAX: i64 = 5_000;

/// The operations, without deadlines, metrics and the translation of errors.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: KeyRing,
    pub(crate) hasher: Hasher,
    pub(crate) attempts: Attempts,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) registration: Registration,
    /// The live sessions of one user, at most.
    pub(crate) sessions_max: u32,
    pub(crate) audit: Audit,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) async fn new(
        store: Arc<dyn Store>,
        policy: Policy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let hasher = Hasher::new(policy.hashing, Arc::clone(&random)).await?;
        let keys = KeyRing::new(Arc::clone(&store), Arc::clone(&random), policy.keys, policy.encryption);
        let attempts = Attempts::new(policy.attempts);
        let Policy { lifetimes, registration, sessions_max, .. } = policy;
        let audit = Audit::default();
        Ok(Self {
            store,
            clock,
            random,
            keys,
            hasher,
            attempts,
            lifetimes,
            registration,
            sessions_max,
            audit,
        })
    }

    /// One round of maintenance: creates, rotates and deletes signing keys, and deletes expired rows. Several
    /// replicas may run it at the same time.
    pub(crate) async fn maintain(&self) -> Result<()> {
        let now = self.clock.now();
        self.keys.maintain(now).await?;
        self.form_names().await?;
        self.store.purge_tickets(now, PURGE_MAX).await?;
        self.store.purge_successors(before(now, self.lifetimes.refresh_repeat), PURGE_MAX).await?;
        let purge = SessionPurge {
            expired: before(now, EXPIRED_KEPT),
            revoked: before(now, self.lifetimes.revocation()),
            disconnected: before(now, DISCONNECTIONS_KEPT),
            limit: PURGE_MAX,
        };
        self.store.purge_sessions(purge).await?;
        self.store.purge_erasures(before(now, NAME_REST), PURGE_MAX).await?;
        Ok(())
    }
}

/// The point `duration` before `now`.
pub(crate) fn before(now: Timestamp, duration: Duration) -> Timestamp {
    let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_sub(micros))
}
