//! What becomes of a shard whose own calls do not end as they should.

use async_trait::async_trait;
use madang_bus::{Connected, InProcessExchange};
use madang_domain::{ConnectionId, GatewayId, UserId};
use madang_kit::{
    Lifecycle,
    lifecycle::{Outcome, TaskFailure},
};
use madang_rpc::{around::Double, store::MessageStoreDouble};
use uuid::Uuid;

use super::*;
use crate::{
    hub::{Hubs, Listener},
    outbox::Outbox,
};

/// A store with a defect.
struct Defective;

#[async_trait]
impl MessageStoreDouble for Defective {
    async fn get_reads(&self, _: GetReads) -> madang_domain::Result<RoomReads> {
        panic!("a defect of the reading of marks")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_shards_call_ends_the_process_as_one_of_its_own_does() {
    let life = Lifecycle::default();
    let gateway = GatewayId::new(Uuid::from_u128(1));
    let Connected { bus, presence, .. } = InProcessExchange::new().connect(gateway);
    let deps = ShardDeps {
        store: Arc::new(Double(Defective)),
        bus,
        presence,
        presence_names_max: 10,
        counters: Arc::default(),
        tasks: life.tasks(),
        stop: life.hard().clone(),
    };
    let hubs = Hubs::start(1, &deps);
    let topic = TopicId::Room(RoomId::new(Uuid::from_u128(2)));
    let listener = Listener {
        connection: ConnectionId::new(1),
        user: UserId::new(Uuid::from_u128(3)),
        outbox: Arc::new(Outbox::new(1 << 20, 0)),
        format: Format::Native,
        room_context: None,
    };
    hubs.attach(topic, listener).await;
    hubs.marks_moved(topic).await;
    // A shard that limped would read no marks any more, of no room.
    let outcome = tokio::time::timeout(Duration::from_secs(60), life.finished()).await;
    assert!(
        matches!(&outcome, Ok(Outcome::Failed(TaskFailure { reason, .. })) if reason.contains("a defect")),
        "{outcome:?}"
    );
}
