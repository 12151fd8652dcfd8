//! Callers of the message store, through the client that gateways have.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use madang_domain::{
    DisplayName, IdempotencyKey, Profile, RoomId, Timestamp, UserId, Username, event::Message,
};
use madang_rpc::{
    MessageStore, MessageStoreClient, MessageStoreSettings,
    store::{Append, Authority},
};
use tokio::{task::JoinSet, time::sleep};
use tonic::transport::Endpoint;

use super::measured::{CALLERS, Measured, text};
use crate::{
    error::BenchError,
    measure::{
        histogram::Histogram,
        meter::{Edge, Meter},
    },
    rest_api::Account,
};

/// A pause after a refusal, so that a store that refuses everything is not asked a million times.
const AFTER_REFUSAL: Duration = Duration::from_millis(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One who appends to a room that it is a member of, through one replica.
#[derive(Clone)]
struct Caller {
    store: Arc<dyn MessageStore>,
    room: RoomId,
    actor: Arc<Profile>,
    key_prefix: String,
}

/// All of them.
pub(super) struct Callers(Vec<Caller>);

/// What all callers have counted within the window.
#[derive(Default)]
struct Count {
    open: bool,
    latency: Histogram,
    refused: u64,
}

impl Callers {
    /// Spreads the callers over the replicas, the rooms and their members. Must be called within a runtime.
    pub(super) fn new(
        stores: &[SocketAddr],
        accounts: &[Account],
        rooms: &[Arc<str>],
        members: &[Vec<usize>],
        run: &str,
    ) -> Result<Self, BenchError> {
        let stores = clients(stores)?;
        let caller = |number: usize| {
            let room = number % rooms.len();
            let member = members[room][number / rooms.len() % members[room].len()];
            Ok(Caller {
                store: Arc::clone(&stores[number % stores.len()]),
                room: rooms[room].parse().map_err(invalid)?,
                actor: Arc::new(profile(&accounts[member])?),
                key_prefix: format!("{run}-{number}"),
            })
        };
        (0..CALLERS).map(caller).collect::<Result<_, _>>().map(Self)
    }

    /// Lets all of them append, one message after the other, until the window is over.
    pub(super) async fn measure(
        self,
        warm_up: Duration,
        window: Duration,
        mut meter: Meter,
    ) -> Result<Measured, BenchError> {
        let count = Arc::new(Mutex::new(Count::default()));
        let mut calling = JoinSet::new();
        for caller in self.0 {
            calling.spawn(caller.call(Arc::clone(&count)));
        }
        let lock = || count.lock().unwrap_or_else(PoisonError::into_inner);
        sleep(warm_up).await;
        lock().open = true;
        meter.mark(Edge::Start);
        let started = Instant::now();
        sleep(window).await;
        lock().open = false;
        meter.mark(Edge::End);
        let window = started.elapsed();
        calling.shutdown().await;
        let Count { latency, refused, .. } = std::mem::take(&mut *lock());
        Ok(Measured { rows: latency.count(), latency, refused, window, cpu: meter.finish()? })
    }
}

impl Caller {
    /// Appends until it is stopped.
    async fn call(self, count: Arc<Mutex<Count>>) {
        let text = text();
        for number in 0_u64.. {
            // Short and plain: always a key.
            let Ok(key) = IdempotencyKey::new(format!("{}-{number}", self.key_prefix)) else { return };
            let message = Message {
                text: text.clone(),
                key,
                reply_to: None,
                attachments: Vec::new(),
                mentions: Vec::new(),
                mentions_all: None,
                metadata: None,
                excerpt: None,
                changes: None,
                thread: None,
            };
            let append = Append {
                authority: Authority::User,
                room: self.room,
                actor: Arc::clone(&self.actor),
                message,
            };
            let since = Instant::now();
            let appended = self.store.append(append).await;
            let latency_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            let refused = {
                let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                match &appended {
                    Ok(_) if count.open => count.latency.record_us(latency_us),
                    Ok(_) => {}
                    // Also before the window: a store that refuses its warm-up is not measured in peace.
                    Err(_) => count.refused += 1,
                }
                appended.is_err()
            };
            if refused {
                sleep(AFTER_REFUSAL).await;
            }
        }
    }
}

/// A client of each replica; there is one. Must be called within a runtime.
pub(in crate::scenario) fn clients(stores: &[SocketAddr]) -> Result<Vec<Arc<dyn MessageStore>>, BenchError> {
    let client = |address: &SocketAddr| {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(CONNECT_TIMEOUT);
        let channel = endpoint.tcp_nodelay(true).connect_lazy();
        let client = MessageStoreClient::new(channel, MessageStoreSettings::default());
        Ok::<_, BenchError>(Arc::new(client) as Arc<dyn MessageStore>)
    };
    let stores = stores.iter().map(client).collect::<Result<Vec<_>, _>>()?;
    if stores.is_empty() { Err(BenchError::NoStore) } else { Ok(stores) }
}

pub(in crate::scenario) fn profile(account: &Account) -> Result<Profile, BenchError> {
    Ok(Profile {
        id: account.id.parse::<UserId>().map_err(invalid)?,
        username: Username::new(account.username.as_str()).map_err(invalid)?,
        name: DisplayName::new(account.username.as_str()).map_err(invalid)?,
        avatar_url: None,
        external_id: None,
        // As old as can be: it replaces no profile that the store knows.
        version: Timestamp::from_micros(0),
    })
}

/// What the gateway gave an account or a room is not what the domain allows.
pub(in crate::scenario) fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> BenchError {
    BenchError::Invalid(Box::new(error))
}
