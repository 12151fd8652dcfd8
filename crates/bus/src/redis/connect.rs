//! Connecting a gateway: the parts of the bus are made and its tasks are started.

use std::sync::Arc;

use madang_domain::GatewayId;
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    budgets::{RedisBudgets, ShardBudgets},
    bus::{RedisBus, Shard},
    connection::SharedConnection,
    keys::ShardKeys,
    lease::{LeaseHolder, LeaseTask, LeaseTaskParts},
    locator::Servers,
    presence::{PresenceSync, RedisPresence, ShardPresence},
    publisher::Publisher,
    reader::{Reader, ReaderProgress, ReaderTarget},
    reconnect::ReconnectPauses,
    scripts::Scripts,
    settings::{RedisSettings, SettingsError},
    slots::tag_of,
    status::{PendingResets, ShardStatusReport},
    subscriptions::WantedSubscriptions,
    tasks::Tasks,
};
use crate::{
    bus::{Connected, Delivery},
    metrics::BusMetrics,
    status::{BusStatus, ShardFault, ShardStatus},
};

/// Connects a gateway to the bus. It returns at once, also while Redis is absent: the bus connects when it can
/// and reports that in its status and its log.
///
/// The tasks run on `tracker`. They stop at once, leaving the lease to expire, when `token` is cancelled or the bus is
/// dropped; [`Bus::close`](crate::Bus::close) is the orderly end. Dropping the queue of deliveries stops the bus too.
///
/// # Errors
///
/// When the settings cannot work.
pub fn connect(
    settings: RedisSettings,
    gateway: GatewayId,
    tracker: &TaskTracker,
    token: &CancellationToken,
) -> Result<Connected, SettingsError> {
    settings.check()?;
    let servers = Servers::new(&settings).map_err(SettingsError::Url)?;
    let settings = Arc::new(settings);
    let starting = ShardStatus::Unhealthy(ShardFault::Starting);
    let status = watch::Sender::new(BusStatus { shards: vec![starting; usize::from(settings.shards)] });
    let (delivery_sender, deliveries) = mpsc::channel(settings.queue_deliveries);
    let builder = Builder {
        gateway,
        scripts: Arc::new(Scripts::new()),
        metrics: Arc::default(),
        resets: Arc::default(),
        deliveries: delivery_sender,
        status,
        servers,
        tasks: Tasks::new(tracker, token),
        settings,
    };
    let (bus, presence, budgets) = builder.build();
    Ok(Connected { bus: Arc::new(bus), presence: Arc::new(presence), budgets: Arc::new(budgets), deliveries })
}

/// What the shards are built from.
struct Builder {
    gateway: GatewayId,
    settings: Arc<RedisSettings>,
    scripts: Arc<Scripts>,
    metrics: Arc<BusMetrics>,
    resets: Arc<PendingResets>,
    deliveries: mpsc::Sender<Delivery>,
    status: watch::Sender<BusStatus>,
    servers: Servers,
    tasks: Tasks,
}

impl Builder {
    fn build(self) -> (RedisBus, RedisPresence, RedisBudgets) {
        let deliver_resets = Arc::clone(&self.resets).deliver(self.deliveries.clone(), self.metrics.clone());
        self.tasks.spawn_vital(deliver_resets);
        let (mut shards, mut presence, mut budgets) = (Vec::new(), Vec::new(), Vec::new());
        for shard in 0..self.settings.shards {
            let (of_bus, of_presence, of_budgets) = self.shard(shard);
            shards.push(of_bus);
            presence.push(of_presence);
            budgets.push(of_budgets);
        }
        self.tasks.all_spawned();
        let is_on = self.settings.presence_grace.is_some();
        let budgets = RedisBudgets {
            shards: budgets,
            scripts: Arc::clone(&self.scripts),
            metrics: Arc::clone(&self.metrics),
        };
        let presence = RedisPresence { shards: presence, scripts: self.scripts, is_on };
        let bus = RedisBus {
            shards,
            status: self.status,
            metrics: self.metrics,
            settings: self.settings,
            _stop_when_dropped: self.tasks.stop.clone().drop_guard(),
            tasks: self.tasks,
        };
        (bus, presence, budgets)
    }

    /// Starts the tasks of one shard.
    fn shard(&self, shard: u16) -> (Shard, ShardPresence, ShardBudgets) {
        let tag = tag_of(shard, self.settings.shards);
        let keys = ShardKeys::new(&self.settings.prefix, &tag, self.gateway);
        let connection = Arc::new(SharedConnection::new());
        let subscriptions = Arc::new(WantedSubscriptions::new(Arc::clone(&self.metrics)));
        let reader_progress = Arc::new(ReaderProgress::default());
        let (reader_target, reader_target_changes) = watch::channel(ReaderTarget::default());
        let closing = self.tasks.closing.clone();

        let (publisher, queue, publishing) = Publisher::new(
            self.gateway,
            Arc::clone(&self.settings),
            keys.clone(),
            Arc::clone(&self.scripts),
            Arc::clone(&connection),
            Arc::clone(&self.metrics),
        );
        let presence = PresenceSync::new(
            self.gateway,
            Arc::clone(&self.settings),
            keys.clone(),
            Arc::clone(&self.scripts),
            Arc::clone(&self.metrics),
        );
        let shard_budgets = ShardBudgets { connection: Arc::clone(&connection), keys: keys.clone() };
        let shard_presence = presence.callers_side(Arc::clone(&connection));
        let lease_task = LeaseTask::new(LeaseTaskParts {
            holder: LeaseHolder::new(
                self.gateway,
                Arc::clone(&self.settings),
                keys.clone(),
                Arc::clone(&self.scripts),
                publishing,
                Arc::clone(&self.metrics),
            ),
            locator: self.servers.locator(&tag),
            connection,
            subscriptions: Arc::clone(&subscriptions),
            presence,
            reader_target,
            reader_progress: Arc::clone(&reader_progress),
            resets: Arc::clone(&self.resets),
            status: ShardStatusReport::new(shard, self.status.clone()),
            pauses: self.pauses(shard, 0),
        });
        let reader = Reader {
            settings: Arc::clone(&self.settings),
            keys,
            target: reader_target_changes,
            progress: reader_progress,
            deliveries: self.deliveries.clone(),
            metrics: Arc::clone(&self.metrics),
            pauses: self.pauses(shard, 1),
        };
        // The publisher finishes before the lease task leaves.
        let published = CancellationToken::new();
        let publish = publisher.run(closing.clone());
        let is_published = published.clone();
        self.tasks.spawn_leaving(async move {
            publish.await;
            published.cancel();
        });
        self.tasks.spawn_leaving(lease_task.run(closing, is_published));
        self.tasks.spawn_vital(reader.run());
        (Shard { subscriptions, queue }, shard_presence, shard_budgets)
    }

    fn pauses(&self, shard: u16, task: u64) -> ReconnectPauses {
        ReconnectPauses::new(self.settings.backoff_cap, self.gateway, shard, task)
    }
}
