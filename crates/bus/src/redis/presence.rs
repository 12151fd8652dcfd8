//! Presence through Redis: the callers' side, and what the keeper does for it.
//!
//! The keeper carries the wishes out, on the connection and under the lease that it holds: a call that an abandoned
//! connection runs late does nothing. The script changes who is there and tells the listening gateways in one, so
//! that neither is without the other, and a call that is repeated tells nothing twice.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{GatewayId, TopicId, UserId};
use redis::{RedisError, aio::MultiplexedConnection};
use tracing::warn;

use super::{
    RedisSettings,
    attendance::{Attendance, Times},
    connection::{Link, breaks_connection},
    keys::{ShardKeys, shard_of},
    scripts::Scripts,
};
use crate::{BusMetrics, Presence, PresenceError, Present, PresentPage, ResetReason};

/// Pairs that one call moves off a dead gateway, and that it gives up: some milliseconds of Redis at most.
pub(super) const PAIRS_PER_CALL: usize = 256;

/// The callers' side.
pub(super) struct RedisPresence {
    pub(super) shards: Vec<Seats>,
    pub(super) scripts: Arc<Scripts>,
    pub(super) is_on: bool,
}

/// The callers' side of one shard.
pub(super) struct Seats {
    pub(super) attendance: Arc<Attendance>,
    pub(super) link: Arc<Link>,
    pub(super) keys: ShardKeys,
}

impl RedisPresence {
    fn seats(&self, topic: TopicId) -> Option<&Seats> {
        let shards = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        self.shards.get(usize::from(shard_of(topic, shards))).filter(|_| self.is_on)
    }
}

#[async_trait]
impl Presence for RedisPresence {
    fn enter(&self, topic: TopicId, present: Present) {
        if let Some(seats) = self.seats(topic) {
            seats.attendance.enter(topic, present);
        }
    }

    fn leave(&self, topic: TopicId, user: UserId) {
        if let Some(seats) = self.seats(topic) {
            seats.attendance.leave(topic, user);
        }
    }

    async fn present(&self, topic: TopicId, limit: usize) -> Result<PresentPage, PresenceError> {
        let seats = self.seats(topic).ok_or(PresenceError::Off)?;
        let mut linked = seats.link.current().ok_or(PresenceError::Unreachable)?;
        let answer = self.scripts.present(&mut linked.connection, &seats.keys, topic, limit).await;
        let (count, fields) = answer.map_err(|error| {
            if breaks_connection(&error) {
                seats.link.broke(linked.fence);
            }
            PresenceError::Redis(error)
        })?;
        let mut users = Vec::with_capacity(fields.len() / 2);
        let mut fields = fields.into_iter();
        while let (Some(user), Some(card)) = (fields.next(), fields.next()) {
            // What is no id another version wrote.
            let user = std::str::from_utf8(&user).ok().and_then(|text| text.parse().ok());
            users.extend(user.map(|user| Present { user, card: Bytes::from(card) }));
        }
        Ok(PresentPage { count, users })
    }
}

/// What the keeper of a shard does for presence.
pub(super) struct Usher {
    pub(super) gateway: GatewayId,
    pub(super) settings: Arc<RedisSettings>,
    pub(super) keys: ShardKeys,
    pub(super) scripts: Arc<Scripts>,
    pub(super) attendance: Arc<Attendance>,
    pub(super) metrics: Arc<BusMetrics>,
}

/// How a round ended.
pub(super) enum Round {
    /// It was done, or is put off.
    Over,
    /// The lease is another.
    LeaseLost,
}

/// What goes into a call, beside the keys and the changes.
pub(super) struct PresenceCall<'a> {
    pub(super) gateway: GatewayId,
    pub(super) lease: &'a str,
    pub(super) grace: Duration,
    pub(super) dead_grace: Duration,
    pub(super) longest_inbox: usize,
}

impl Usher {
    /// The wishes that this works off. Redis may have to put up with them for a while: all gateways have noticed a loss
    /// after a pulse or a reconnection.
    pub(super) fn attendance(settings: &RedisSettings, metrics: Arc<BusMetrics>) -> Arc<Attendance> {
        let times = Times {
            grace: settings.presence_grace.unwrap_or_default(),
            sweep: settings.pulse_interval,
            settle: settings.pulse_interval + settings.backoff_cap + settings.response_timeout / 2,
        };
        Arc::new(Attendance::new(times, settings.presence_pairs, metrics))
    }

    /// Waits until there is something to do; for ever where presence is off. Cancel-safe.
    pub(super) async fn due(&self) {
        if self.settings.presence_grace.is_none() {
            std::future::pending::<()>().await;
        }
        self.attendance.due().await;
    }

    /// What was registered is of unknown completeness.
    pub(super) fn forget_confirmations(&self, reason: ResetReason) {
        if reason == ResetReason::LeaseLost {
            self.attendance.lease_lost();
        } else {
            self.attendance.data_lost();
        }
    }

    /// Carries out what one call carries, and gives up what is due.
    pub(super) async fn round(
        &self,
        connection: &mut MultiplexedConnection,
        lease: &str,
    ) -> Result<Round, RedisError> {
        let work = self.attendance.take();
        let call = PresenceCall {
            gateway: self.gateway,
            lease,
            grace: work.grace,
            // A Redis that was away for longer than the leases finds all gateways dead at once: they have the time
            // to come back.
            dead_grace: work.grace.max(self.settings.pulse_interval + self.settings.backoff_cap),
            longest_inbox: self.settings.inbox_entries,
        };
        self.metrics.presence_calls.add(1);
        match self.scripts.presence(connection, &self.keys, &call, &work.changes).await {
            Ok(Some(next)) => {
                self.attendance.confirm(work, next);
                Ok(Round::Over)
            }
            Ok(None) => {
                self.attendance.put_back(work);
                Ok(Round::LeaseLost)
            }
            Err(error) if breaks_connection(&error) => {
                self.attendance.put_back(work);
                Err(error)
            }
            Err(error) => {
                warn!(%error, "Redis refused presence; it is tried again");
                self.attendance.put_off(work);
                Ok(Round::Over)
            }
        }
    }

    /// Takes off all that this gateway has.
    pub(super) async fn leave(
        &self,
        connection: &mut MultiplexedConnection,
        lease: &str,
    ) -> Result<(), RedisError> {
        self.attendance.leave_all();
        let mut rounds_left = self.settings.presence_pairs / PAIRS_PER_CALL;
        while !self.attendance.is_settled() && rounds_left > 0 {
            rounds_left -= 1;
            if matches!(self.round(connection, lease).await?, Round::LeaseLost) {
                break;
            }
        }
        Ok(())
    }
}
