//! The bus of gateways that share a Redis (7.0 or later): one server, or a Redis Cluster.
//!
//! Each gateway owns an *inbox*, a bounded stream, and a publish appends to the inboxes of exactly those
//! gateways that listen to the topic: the cost follows interest, not total traffic. Keys, for shard 0:
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `madang:{0}:listeners:<topic>` | set | the gateways that listen |
//! | `madang:{0}:inbox:<gateway>` | stream | what a gateway has to read |
//! | `madang:{0}:lease:<gateway>` | string, expires | that the gateway lives |
//! | `madang:{0}:gateways` | set | the gateways that have not left |
//! | `madang:{0}:epoch` | string | a value that lives as long as one process serves the data |
//! | `madang:{0}:present:<topic>` | hash | who is there: of each user the gateways and the card |
//! | `madang:{0}:held:<gateway>` | set | the pairs of topic and user that a gateway has sockets of |
//! | `madang:{0}:holders` | sorted set | the gateways that hold pairs, by the end of their lease |
//! | `madang:{0}:leaving` | sorted set | the pairs without a gateway, by the end of their grace |
//!
//! Topics are spread over shards, each in a slot of its own of a Redis Cluster (`slots.rs`); a shard's server is the
//! master of that slot, and is looked for anew whenever it was of no use (`cluster.rs`).
//!
//! Three tasks serve a shard: the *keeper* (`lease.rs`) holds the lease, the registrations and the shared
//! connection and judges the reader; the *publisher* sends; the *reader* reads, on its own connection.
//!
//! Redis is an accelerator and never the truth. What it can lose, and what tells:
//!
//! | what | what tells |
//! | --- | --- |
//! | lease expired, flushed, restarted empty | the lease's fence at the next pulse or registration |
//! | writes that it had acknowledged: a failover, a restart with older data | the epoch: another process serves the data |
//! | the slot, to another node | an error that says so; then the epoch |
//! | other data than before (restored) | the epoch; ids of probes that go back; the reconnection |
//! | inbox trimmed or deleted unread | a probe says how many entries it is preceded by |
//! | a reader that looks healthy and hears nothing | a probe that does not come back |
//! | entries that a publisher had to drop | it tells all gateways with its next pulse |
//! | a gateway that died with entries unpublished | its lease; whoever sees it first tells all |

mod address;
mod attendance;
mod cluster;
mod connection;
mod entries;
mod health;
mod keys;
mod lease;
mod presence;
mod publisher;
mod reader;
mod registrar;
mod scripts;
mod server;
mod settings;
mod slots;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use madang_domain::{GatewayId, TopicId};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tracing::warn;

pub use settings::{CLUSTER_SHARDS, RedisSettings, SettingsError};

use self::{
    connection::{Backoff, Link},
    health::{Resets, ShardHealth},
    keys::{ShardKeys, shard_of},
    lease::{Keeper, KeeperParts},
    presence::{RedisPresence, Seats, Usher},
    publisher::{PublishQueue, Publisher},
    reader::{Order, Progress, Reader},
    registrar::Wishes,
    scripts::Scripts,
    server::Directory,
    slots::tag_of,
};
use crate::{Bus, BusMetrics, BusStatus, Connected, Delivery, Listening, Published, ShardFault, ShardStatus};

/// Connects a gateway to the bus. It returns at once, also while Redis is absent: the bus connects when it can
/// and says so in its status and its log.
///
/// The tasks run on `tracker` and stop at once, leaving the lease to expire, when `token` is cancelled or the bus is
/// dropped; [`Bus::close`] is the orderly end. Dropping the inbox stops the bus too.
///
/// # Errors
/// When the settings cannot work.
pub fn connect(
    settings: RedisSettings,
    gateway: GatewayId,
    tracker: &TaskTracker,
    token: &CancellationToken,
) -> Result<Connected, SettingsError> {
    settings.check()?;
    let directory = Directory::new(&settings).map_err(SettingsError::Url)?;
    let settings = Arc::new(settings);
    let starting = ShardStatus::Unhealthy(ShardFault::Starting);
    let status = watch::Sender::new(BusStatus { shards: vec![starting; usize::from(settings.shards)] });
    let (inbox_sender, inbox) = mpsc::channel(settings.inbox_deliveries);
    let builder = Builder {
        gateway,
        scripts: Arc::new(Scripts::new()),
        metrics: Arc::default(),
        resets: Arc::default(),
        inbox: inbox_sender,
        status,
        directory,
        tasks: Tasks {
            tracker: tracker.clone(),
            own: TaskTracker::new(),
            stop: token.child_token(),
            closing: CancellationToken::new(),
            leaving: TaskTracker::new(),
        },
        settings,
    };
    let (bus, presence) = builder.build();
    Ok(Connected { bus: Arc::new(bus), presence: Arc::new(presence), inbox })
}

/// The tasks of one bus.
#[derive(Clone)]
struct Tasks {
    /// The caller's.
    tracker: TaskTracker,
    /// Those of this bus alone.
    own: TaskTracker,
    /// Stops all at once.
    stop: CancellationToken,
    /// Asks for an orderly end.
    closing: CancellationToken,
    /// What has to be done before that end: the shards' leaving.
    leaving: TaskTracker,
}

impl Tasks {
    /// Runs a task whose end, by a panic or not, stops all others: the bus works whole or not at all, and
    /// the gateway sees its inbox end.
    fn spawn_vital(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop_others = self.stop.clone().drop_guard();
        let stop = self.stop.clone();
        self.tracker.spawn(self.own.track_future(async move {
            let _stop_others = stop_others;
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task => {}
            }
        }));
    }

    /// Runs a vital task that comes to an end of its own when the bus is closed.
    fn spawn_leaving(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.leaving.track_future(task);
        let stop = self.stop.clone();
        self.spawn_vital(async move {
            task.await;
            stop.cancelled().await;
        });
    }
}

/// What the shards are built from.
struct Builder {
    gateway: GatewayId,
    settings: Arc<RedisSettings>,
    scripts: Arc<Scripts>,
    metrics: Arc<BusMetrics>,
    resets: Arc<Resets>,
    inbox: mpsc::Sender<Delivery>,
    status: watch::Sender<BusStatus>,
    directory: Directory,
    tasks: Tasks,
}

impl Builder {
    fn build(self) -> (RedisBus, RedisPresence) {
        self.tasks
            .spawn_vital(Arc::clone(&self.resets).deliver(self.inbox.clone(), Arc::clone(&self.metrics)));
        let (shards, seats) = (0..self.settings.shards).map(|shard| self.shard(shard)).unzip();
        self.tasks.own.close();
        self.tasks.leaving.close();
        let is_on = self.settings.presence_grace.is_some();
        let presence = RedisPresence { shards: seats, scripts: self.scripts, is_on };
        let bus = RedisBus {
            shards,
            status: self.status,
            metrics: self.metrics,
            settings: self.settings,
            _stop_when_dropped: self.tasks.stop.clone().drop_guard(),
            tasks: self.tasks,
        };
        (bus, presence)
    }

    /// Starts the tasks of one shard.
    fn shard(&self, shard: u16) -> (Shard, Seats) {
        let tag = tag_of(shard, self.settings.shards);
        let keys = ShardKeys::new(&self.settings.prefix, &tag, self.gateway);
        let link = Arc::new(Link::new());
        let wishes = Arc::new(Wishes::new(Arc::clone(&self.metrics)));
        let progress = Arc::new(Progress::default());
        let (orders, reader_orders) = watch::channel(Order::default());
        let closing = self.tasks.closing.clone();

        let (publisher, queue, publishing) = Publisher::new(
            self.gateway,
            Arc::clone(&self.settings),
            keys.clone(),
            Arc::clone(&self.scripts),
            Arc::clone(&link),
            Arc::clone(&self.metrics),
        );
        let attendance = Usher::attendance(&self.settings, Arc::clone(&self.metrics));
        let seats =
            Seats { attendance: Arc::clone(&attendance), link: Arc::clone(&link), keys: keys.clone() };
        let usher = Usher {
            gateway: self.gateway,
            settings: Arc::clone(&self.settings),
            keys: keys.clone(),
            scripts: Arc::clone(&self.scripts),
            attendance,
            metrics: Arc::clone(&self.metrics),
        };
        // The publisher finishes before the keeper leaves.
        let published = CancellationToken::new();
        let keeper = Keeper::new(KeeperParts {
            gateway: self.gateway,
            settings: Arc::clone(&self.settings),
            keys: keys.clone(),
            scripts: Arc::clone(&self.scripts),
            locator: self.directory.locator(&tag),
            link,
            wishes: Arc::clone(&wishes),
            usher,
            orders,
            progress: Arc::clone(&progress),
            publishing,
            resets: Arc::clone(&self.resets),
            health: ShardHealth::new(shard, self.status.clone()),
            metrics: Arc::clone(&self.metrics),
            backoff: self.backoff(shard, 0),
        });
        let reader = Reader {
            settings: Arc::clone(&self.settings),
            keys,
            orders: reader_orders,
            progress,
            inbox: self.inbox.clone(),
            metrics: Arc::clone(&self.metrics),
            backoff: self.backoff(shard, 1),
        };
        let publish = publisher.run(closing.clone());
        let is_published = published.clone();
        self.tasks.spawn_leaving(async move {
            publish.await;
            published.cancel();
        });
        self.tasks.spawn_leaving(keeper.run(closing, is_published));
        self.tasks.spawn_vital(reader.run());
        (Shard { wishes, queue }, seats)
    }

    /// The gateway's id is random: it keeps gateways from returning in step.
    fn backoff(&self, shard: u16, task: u64) -> Backoff {
        let (high, low) = self.gateway.uuid().as_u64_pair();
        Backoff::new(self.settings.backoff_cap, high ^ low ^ (u64::from(shard) << 8) ^ task)
    }
}

/// A gateway's end of the bus.
struct RedisBus {
    shards: Vec<Shard>,
    status: watch::Sender<BusStatus>,
    metrics: Arc<BusMetrics>,
    settings: Arc<RedisSettings>,
    tasks: Tasks,
    _stop_when_dropped: DropGuard,
}

/// The callers' side of one shard.
struct Shard {
    wishes: Arc<Wishes>,
    queue: PublishQueue,
}

impl RedisBus {
    fn shard(&self, topic: TopicId) -> usize {
        usize::from(shard_of(topic, self.settings.shards))
    }

    /// The shards with those of the topics that belong to them.
    fn by_shard<'a>(
        &'a self,
        topics: &'a [TopicId],
    ) -> impl Iterator<Item = (&'a Shard, impl Iterator<Item = TopicId> + 'a)> {
        let is_in = move |number: usize, topic: &TopicId| self.shard(*topic) == number;
        self.shards
            .iter()
            .enumerate()
            .filter(move |(number, _)| topics.iter().any(|topic| is_in(*number, topic)))
            .map(move |(number, shard)| {
                (shard, topics.iter().copied().filter(move |topic| is_in(number, topic)))
            })
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn listen(&self, topics: &[TopicId]) -> Listening {
        if self.tasks.closing.is_cancelled() {
            return Listening::Deferred;
        }
        let deadline = Instant::now() + self.settings.listen_deadline;
        let answers: Vec<_> =
            self.by_shard(topics).map(|(shard, topics)| shard.wishes.listen(topics)).collect();
        let mut listening = Listening::Registered;
        for answer in answers {
            let answer = match answer {
                Some(answer) => answered(answer, deadline).await,
                None => Listening::Deferred,
            };
            if answer == Listening::Deferred {
                listening = Listening::Deferred;
            }
        }
        listening
    }

    fn unlisten(&self, topics: &[TopicId]) {
        for (shard, topics) in self.by_shard(topics) {
            shard.wishes.unlisten(topics);
        }
    }

    fn publish(&self, topic: TopicId, entry: Bytes) -> Published {
        match self.shards.get(self.shard(topic)) {
            Some(shard) => shard.queue.offer(topic, entry),
            None => Published::Dropped,
        }
    }

    fn status(&self) -> watch::Receiver<BusStatus> {
        self.status.subscribe()
    }

    fn metrics(&self) -> Arc<BusMetrics> {
        Arc::clone(&self.metrics)
    }

    async fn close(&self) {
        self.tasks.closing.cancel();
        if timeout(self.settings.close_deadline, self.tasks.leaving.wait()).await.is_err() {
            warn!("the bus could not be left within the deadline");
        }
        self.tasks.stop.cancel();
        self.tasks.own.wait().await;
        self.status.send_modify(|status| status.shards.fill(ShardStatus::Unhealthy(ShardFault::Closed)));
    }
}

/// The answer to a wish, or `Deferred` at the deadline. The keeper then sees that nobody waits, and owes a reset.
async fn answered(mut answer: oneshot::Receiver<Listening>, deadline: Instant) -> Listening {
    match timeout_at(deadline, &mut answer).await {
        Ok(answer) => answer.unwrap_or(Listening::Deferred),
        Err(_) => {
            answer.close();
            answer.try_recv().unwrap_or(Listening::Deferred)
        }
    }
}
