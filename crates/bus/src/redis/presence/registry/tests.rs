//! The changes that the registry of one shard makes.

use madang_domain::RoomId;
use uuid::Uuid;

use super::*;

const TIMES: Times =
    Times { grace: Duration::from_secs(5), sweep: Duration::from_secs(2), settle: Duration::from_secs(4) };

fn registry() -> PresenceRegistry {
    PresenceRegistry::new(TIMES, 3, Arc::default())
}

fn topic() -> TopicId {
    TopicId::Room(RoomId::new(Uuid::from_u128(1)))
}

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn enter(registry: &PresenceRegistry, number: u128) {
    registry.enter(topic(), Present { user: user(number), profile: Bytes::from_static(b"profile") });
}

fn kinds(batch: &PairBatch) -> Vec<(u128, PairChangeKind)> {
    let mut kinds: Vec<_> =
        batch.changes.iter().map(|change| (change.pair.1.uuid().as_u128(), change.kind)).collect();
    kinds.sort_by_key(|(number, _)| *number);
    kinds
}

/// Makes the changes that wait, and returns them.
fn make_changes(registry: &PresenceRegistry) -> Vec<(u128, PairChangeKind)> {
    let batch = registry.take();
    let kinds = kinds(&batch);
    registry.confirm(batch, TIMES.sweep);
    kinds
}

#[tokio::test(start_paused = true)]
async fn the_last_change_of_a_pair_is_made_once() {
    let registry = registry();
    enter(&registry, 1);
    registry.leave(topic(), user(1));
    enter(&registry, 1);
    enter(&registry, 2);
    registry.leave(topic(), user(3));
    assert_eq!(make_changes(&registry), [(1, PairChangeKind::Enter), (2, PairChangeKind::Enter)]);
    assert_eq!(make_changes(&registry), []);
    registry.leave(topic(), user(2));
    let batch = registry.take();
    enter(&registry, 2);
    registry.put_back(batch);
    assert_eq!(make_changes(&registry), [(2, PairChangeKind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_pairs_than_the_bound_and_departures_are_forgotten() {
    let registry = registry();
    for number in 1..=4 {
        enter(&registry, number);
    }
    assert_eq!(registry.metrics.presence_dropped.get(), 1);
    make_changes(&registry);
    registry.leave(topic(), user(1));
    make_changes(&registry);
    tokio::time::advance(TIMES.grace + REMEMBER).await;
    make_changes(&registry);
    assert_eq!(registry.metrics.presence_pairs.get(), 2);
    enter(&registry, 4);
    assert_eq!(make_changes(&registry), [(4, PairChangeKind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn lost_pairs_are_restored_at_once_and_new_arrivals_wait() {
    let registry = registry();
    enter(&registry, 1);
    enter(&registry, 2);
    make_changes(&registry);
    registry.leave(topic(), user(2));
    enter(&registry, 3);
    registry.data_lost();
    registry.due().await;
    assert_eq!(make_changes(&registry), [(1, PairChangeKind::Restore), (2, PairChangeKind::RestoreLeaving)]);
    assert_eq!(make_changes(&registry), [], "other gateways may have user 3 too");
    tokio::time::advance(TIMES.settle).await;
    registry.due().await;
    assert_eq!(make_changes(&registry), [(3, PairChangeKind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn a_departure_that_redis_lost_within_the_grace_is_restored() {
    let registry = registry();
    enter(&registry, 1);
    make_changes(&registry);
    registry.leave(topic(), user(1));
    assert_eq!(make_changes(&registry), [(1, PairChangeKind::Leave)]);
    registry.data_lost();
    assert_eq!(make_changes(&registry), [(1, PairChangeKind::RestoreLeaving)]);
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_lease_all_users_who_are_here_enter_again() {
    let registry = registry();
    enter(&registry, 1);
    enter(&registry, 2);
    make_changes(&registry);
    registry.leave(topic(), user(2));
    make_changes(&registry);
    registry.lease_lost();
    assert_eq!(make_changes(&registry), [(1, PairChangeKind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn changes_that_come_together_go_out_together() {
    let registry = registry();
    make_changes(&registry);
    let start = Instant::now();
    enter(&registry, 1);
    tokio::time::advance(GATHER / 2).await;
    enter(&registry, 2);
    registry.due().await;
    assert_eq!(start.elapsed().as_millis(), GATHER.as_millis());
    assert_eq!(make_changes(&registry).len(), 2);
}
