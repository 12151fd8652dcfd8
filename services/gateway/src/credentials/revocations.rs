//! The sessions that ended before their access tokens did.
//!
//! Each gateway asks the auth service for what was revoked since it last asked, several times a second. That
//! bounds how long a revoked session still hears anything by the interval and a call, needs no bus, and
//! holds when a gateway starts: the first answer names every revocation that still matters.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use madang_kit::clock::Clock;
use madang_rpc::Auth;
use madang_vocabulary::{SessionId, Timestamp};
use tracing::{info, warn};

use crate::{connections::Connections, session::close::Close};

/// How often the auth service is asked: with the call itself, well within the second that is promised.
const ASK_EVERY: Duration = Duration::from_millis(400);
/// How long a revocation is remembered: longer than any access token or ticket is good.
const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

/// The revoked sessions, by when they were heard of.
#[derive(Debug, Default)]
pub(crate) struct Revocations(RwLock<HashMap<SessionId, Timestamp>>);

impl Revocations {
    /// Whether a session was revoked.
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Adds sessions; those that are new are answered.
    fn add(&self, sessions: Vec<SessionId>, now: Timestamp) -> Vec<SessionId> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| now.since(*at) < REMEMBER);
        sessions.into_iter().filter(|session| known.insert(*session, now).is_none()).collect()
    }

    /// Asks the auth service, for ever, and closes the sockets of what it names.
    pub(crate) async fn follow(
        self: Arc<Self>,
        auth: Arc<dyn Auth>,
        connections: Arc<Connections>,
        clock: Arc<dyn Clock>,
    ) {
        let mut cursor = None;
        let mut failing = false;
        loop {
            match auth.revocations(cursor).await {
                Ok(revoked) => {
                    if std::mem::take(&mut failing) {
                        info!("revocations are followed again");
                    }
                    cursor = Some(revoked.cursor);
                    if !revoked.sessions.is_empty() {
                        let new = self.add(revoked.sessions, clock.now());
                        connections.close_sessions(&new, Close::Revoked);
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(%error, "revocations cannot be followed; trying again");
                    }
                }
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}
