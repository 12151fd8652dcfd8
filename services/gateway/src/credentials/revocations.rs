//! Revocations: sessions that ended before their access tokens expired, and users who were disconnected.
//!
//! Each gateway polls the auth service several times a second for new revocations. So a revoked session
//! receives events for at most one interval and one call longer. The poll does not depend on the bus. It also
//! covers a gateway that has just started: the first answer names every revocation that still matters.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use madang_domain::{SessionId, Timestamp, UserId};
use madang_kit::clock::Clock;
use madang_rpc::{Auth, auth::ListRevocations};
use tokio::time::Instant;
use tracing::{info, warn};

/// The interval between polls. Interval and call together stay well below the promised second.
const ASK_EVERY: Duration = Duration::from_millis(400);
/// How long a gateway remembers a revocation: longer than any access token or ticket of the auth service is
/// valid. A token of the embedding site may be valid for longer. For the site's users, the auth service also
/// returns the time of their last disconnection.
const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

/// Sessions that ended, and disconnected users with the time of each disconnection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) users: Vec<(UserId, Timestamp)>,
}

impl Ended {
    /// Whether this names no session and no user.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.users.is_empty()
    }

    /// Whether these revocations cover a credential of this user and session that was issued at this time.
    pub(crate) fn contains(&self, session: SessionId, user: UserId, issued_at: Timestamp) -> bool {
        self.sessions.contains(&session)
            || self.users.iter().any(|(ended, at)| *ended == user && issued_at <= *at)
    }
}

/// The revocations, each with the time at which this gateway learned of it.
#[derive(Debug, Default)]
pub(crate) struct Revocations(RwLock<Ends>);

#[derive(Debug, Default)]
struct Ends {
    /// When the auth service last answered.
    answered_at: Option<Instant>,
    sessions: HashMap<SessionId, Timestamp>,
    users: HashMap<UserId, Disconnected>,
}

/// A user who was disconnected.
#[derive(Debug, Clone, Copy)]
struct Disconnected {
    at: Timestamp,
    heard_at: Timestamp,
}

impl Revocations {
    /// Whether a credential of this user and session that was issued at this time has been revoked since.
    pub(crate) fn end(&self, session: SessionId, user: UserId, issued_at: Timestamp) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.sessions.contains_key(&session)
            || known.users.get(&user).is_some_and(|user| issued_at <= user.at)
    }

    /// The time since the auth service last answered what has ended; none before the first time.
    pub(crate) fn lag(&self) -> Option<Duration> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.answered_at.map(|at| at.elapsed())
    }

    /// Adds revocations and returns the new ones.
    fn add(&self, revoked: Ended, now: Timestamp) -> Ended {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.answered_at = Some(Instant::now());
        known.sessions.retain(|_, heard_at| now.since(*heard_at) < REMEMBER);
        known.users.retain(|_, user| now.since(user.heard_at) < REMEMBER);
        let Ended { mut sessions, mut users } = revoked;
        sessions.retain(|session| known.sessions.insert(*session, now).is_none());
        users.retain(|(user, at)| {
            let before = known.users.get(user).map(|known| known.at);
            let is_new = before.is_none_or(|before| before < *at);
            if is_new {
                known.users.insert(*user, Disconnected { at: *at, heard_at: now });
            }
            is_new
        });
        Ended { sessions, users }
    }

    /// Polls the auth service without end and passes each new revocation to `ended`.
    pub(crate) async fn follow(
        self: Arc<Self>,
        auth: Arc<dyn Auth>,
        clock: Arc<dyn Clock>,
        ended: impl Fn(&Ended) + Send,
    ) {
        let mut cursor = None;
        let mut failing = false;
        loop {
            match auth.list_revocations(ListRevocations { cursor }).await {
                Ok(revoked) => {
                    if std::mem::take(&mut failing) {
                        info!("the poll for revocations works again");
                    }
                    cursor = Some(revoked.cursor);
                    let revoked = Ended { sessions: revoked.sessions, users: revoked.users };
                    let new = self.add(revoked, clock.now());
                    if !new.is_empty() {
                        ended(&new);
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(%error, "the poll for revocations failed; trying again");
                    }
                }
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_kit::grpc::{ClientOptions, SILENCE_MAX};
    use madang_rpc::{auth::method, client::BreakerSettings};
    use uuid::Uuid;

    use super::*;

    const SESSION: SessionId = SessionId::new(Uuid::from_u128(7));

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn disconnected(micros: i64) -> Ended {
        Ended { sessions: Vec::new(), users: vec![(user(1), at(micros))] }
    }

    #[test]
    fn a_disconnection_ends_what_was_issued_until_then() {
        let revocations = Revocations::default();
        let now = at(100);
        assert_eq!(revocations.add(disconnected(50), now).users.len(), 1);
        assert!(revocations.end(SESSION, user(1), at(50)));
        assert!(!revocations.end(SESSION, user(1), at(51)));
        assert!(!revocations.end(SESSION, user(2), at(50)));
        // A revocation that arrives twice or out of order is not new.
        for micros in [50, 40] {
            assert!(revocations.add(disconnected(micros), now).is_empty());
        }
        assert!(revocations.end(SESSION, user(1), at(50)));
        assert_eq!(revocations.add(disconnected(60), now).users.len(), 1);
        assert!(revocations.end(SESSION, user(1), at(60)));
    }

    #[test]
    fn what_ended_is_forgotten_when_it_matters_no_more() {
        let revocations = Revocations::default();
        let ended = |n: u128| Ended {
            sessions: vec![SessionId::new(Uuid::from_u128(n))],
            users: vec![(user(n), Timestamp::default())],
        };
        revocations.add(ended(7), Timestamp::default());
        revocations.add(ended(8), Timestamp::default().plus(REMEMBER));
        assert!(!revocations.end(SESSION, user(7), Timestamp::default()));
        assert!(revocations.end(SESSION, user(8), Timestamp::default()));
        assert!(revocations.end(SessionId::new(Uuid::from_u128(8)), user(9), Timestamp::default()));
    }

    /// `docs/delivery.md` promises in D7 what these intervals and deadlines add up to.
    #[test]
    fn a_revocation_is_heard_of_in_time() {
        const MARGIN: Duration = Duration::from_millis(500);
        let row =
            include_str!("../../../../docs/delivery.md").lines().find(|line| line.starts_with("| D7 |"));
        assert!(
            row.unwrap()
                .contains("nothing after a second, on every gateway (after 3 s of the end of a silent")
        );
        assert!(ASK_EVERY + MARGIN <= Duration::from_secs(1), "an interval, and the call");

        // A call that hung when the partition ended fails, and the next one begins after the interval. Or a connection was
        // being made.
        let call = method::list_revocations.timeout.max(SILENCE_MAX / 2);
        let connection = ClientOptions::default().connect_timeout + BreakerSettings::default().open_for;
        let bound = call.max(connection) + ASK_EVERY;
        assert!(bound + MARGIN <= Duration::from_secs(3), "{bound:?}");
        assert!(
            bound + Duration::from_secs(1) > Duration::from_secs(3),
            "3 s are more than needed: {bound:?}"
        );
    }
}
