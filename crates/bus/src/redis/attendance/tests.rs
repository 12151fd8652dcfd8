//! What the wishes of one shard come to.

use madang_domain::RoomId;
use uuid::Uuid;

use super::*;

const TIMES: Times =
    Times { grace: Duration::from_secs(5), sweep: Duration::from_secs(2), settle: Duration::from_secs(4) };

fn attendance() -> Attendance {
    Attendance::new(TIMES, 3, Arc::default())
}

fn topic() -> TopicId {
    TopicId::Room(RoomId::new(Uuid::from_u128(1)))
}

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn enter(attendance: &Attendance, number: u128) {
    attendance.enter(topic(), Present { user: user(number), card: Bytes::from_static(b"card") });
}

fn kinds(work: &Work) -> Vec<(u128, Kind)> {
    let mut kinds: Vec<_> =
        work.changes.iter().map(|change| (change.pair.1.uuid().as_u128(), change.kind)).collect();
    kinds.sort_by_key(|(number, _)| *number);
    kinds
}

/// Carries out what waits, and says what that was.
fn carry_out(attendance: &Attendance) -> Vec<(u128, Kind)> {
    let work = attendance.take();
    let kinds = kinds(&work);
    attendance.confirm(work, TIMES.sweep);
    kinds
}

#[tokio::test(start_paused = true)]
async fn the_last_wish_for_a_pair_is_carried_out_once() {
    let attendance = attendance();
    enter(&attendance, 1);
    attendance.leave(topic(), user(1));
    enter(&attendance, 1);
    enter(&attendance, 2);
    attendance.leave(topic(), user(3));
    assert_eq!(carry_out(&attendance), [(1, Kind::Enter), (2, Kind::Enter)]);
    assert_eq!(carry_out(&attendance), []);
    attendance.leave(topic(), user(2));
    let work = attendance.take();
    enter(&attendance, 2);
    attendance.put_back(work);
    assert_eq!(carry_out(&attendance), [(2, Kind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_pairs_than_the_bound_and_departures_are_forgotten() {
    let attendance = attendance();
    for number in 1..=4 {
        enter(&attendance, number);
    }
    assert_eq!(attendance.metrics.snapshot().presence_dropped, 1);
    carry_out(&attendance);
    attendance.leave(topic(), user(1));
    carry_out(&attendance);
    tokio::time::advance(TIMES.grace + REMEMBER).await;
    carry_out(&attendance);
    assert_eq!(attendance.metrics.snapshot().presence_pairs, 2);
    enter(&attendance, 4);
    assert_eq!(carry_out(&attendance), [(4, Kind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_is_put_back_at_once_and_what_is_new_waits() {
    let attendance = attendance();
    enter(&attendance, 1);
    enter(&attendance, 2);
    carry_out(&attendance);
    attendance.leave(topic(), user(2));
    enter(&attendance, 3);
    attendance.data_lost();
    attendance.due().await;
    assert_eq!(carry_out(&attendance), [(1, Kind::Restore), (2, Kind::RestoreLeaving)]);
    assert_eq!(carry_out(&attendance), [], "others may have user 3 too");
    tokio::time::advance(TIMES.settle).await;
    attendance.due().await;
    assert_eq!(carry_out(&attendance), [(3, Kind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn a_departure_that_redis_lost_within_the_grace_is_put_back() {
    let attendance = attendance();
    enter(&attendance, 1);
    carry_out(&attendance);
    attendance.leave(topic(), user(1));
    assert_eq!(carry_out(&attendance), [(1, Kind::Leave)]);
    attendance.data_lost();
    assert_eq!(carry_out(&attendance), [(1, Kind::RestoreLeaving)]);
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_lease_all_who_are_here_are_said_again() {
    let attendance = attendance();
    enter(&attendance, 1);
    enter(&attendance, 2);
    carry_out(&attendance);
    attendance.leave(topic(), user(2));
    carry_out(&attendance);
    attendance.lease_lost();
    assert_eq!(carry_out(&attendance), [(1, Kind::Enter)]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_together_leaves_together() {
    let attendance = attendance();
    carry_out(&attendance);
    let start = Instant::now();
    enter(&attendance, 1);
    tokio::time::advance(GATHER / 2).await;
    enter(&attendance, 2);
    attendance.due().await;
    assert_eq!(start.elapsed().as_millis(), GATHER.as_millis());
    assert_eq!(carry_out(&attendance).len(), 2);
}
