//! What happens at the moment of a block: after it has answered, nothing that it forbids commits.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_domain::{Code, Profile, Result, RoomId, event::Event};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Append, Authority, RoomKind},
};
use madang_test_kit::EitherDatabase;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::Semaphore;

use crate::{
    blocks::{block, inbox, put},
    support::{Fixture, Words as _, message, room_of, user},
};

madang_test_kit::on_both!(after_a_block_nothing_of_the_blocked_commits,);

async fn mention(service: &Service, room: RoomId, from: &Arc<Profile>, key: &str) -> Result<()> {
    let (actor, authority) = (Arc::clone(from), Authority::User);
    let text = "@user-1";
    service.append(Append { room, actor, message: message(text, key), authority }).await.map(drop)
}

/// Additions, invitations, mentions and direct messages by one user, through two replicas, while another blocks that
/// user through each in turn.
async fn after_a_block_nothing_of_the_blocked_commits(fixture: Fixture) {
    const ROUNDS: u128 = 12;
    let replicas = [fixture.service().await, fixture.service().await];
    let mina = user(1);
    let (mut before, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let troll = &user(10 + round);
        let shared = replicas[0].given_room(&[&mina, troll]).await;
        let direct = replicas[0].make(troll, room_of(RoomKind::Direct, "Direct", &[&mina])).await.unwrap();
        let (direct, notices) = (direct.value.room.id, inbox(&replicas[0], &mina).await.len());
        let alone = [troll];
        let rooms = join_all((0..4).map(|_| replicas[0].given_room(&alone))).await;
        let done = Semaphore::new(0);
        let acts = (0..16_usize).map(|n| {
            let (service, mina, room, done) = (&replicas[n % 2], &mina, rooms[n / 4], &done);
            let key = format!("k{n}");
            async move {
                let did = match n % 4 {
                    0 => mention(service, shared, troll, &key).await.is_ok(),
                    1 => put(service, room, troll, mina, Authority::User).await.unwrap(),
                    2 => {
                        let made = service.make(troll, room_of(RoomKind::Private, "Yard", &[mina])).await;
                        made.unwrap().value.room.member_count == 2
                    }
                    // Until the block is there, so that in every round it falls among them.
                    _ => {
                        let mut said = 0;
                        while service.say(direct, troll, &format!("{key}-{said}")).await.is_ok() {
                            said += 1;
                            assert!(said < 10_000, "round {round}: the block does not come");
                        }
                        false
                    }
                };
                done.add_permits(1);
                did
            }
        });
        let observed = async {
            // In each round one more of them is done, and the others are under way.
            done.acquire_many(u32::try_from(round).unwrap()).await.unwrap().forget();
            block(&replicas[(round % 2) as usize], &mina, troll).await.unwrap();
            let heads: Vec<Vec<Event>> =
                vec![inbox(&replicas[0], &mina).await, replicas[0].log(direct).await];
            (heads, replicas[0].listed(&mina).await.len())
        };
        let (acted, (at_block, listed)) = tokio::join!(join_all(acts), observed);
        assert_eq!(inbox(&replicas[0], &mina).await, at_block[0], "round {round}: no notice after the block");
        assert_eq!(replicas[0].log(direct).await, at_block[1], "round {round}: no message after the block");
        assert_eq!(replicas[0].listed(&mina).await.len(), listed, "round {round}: no room after the block");
        before += at_block[0].len() - notices;
        refused += acted.iter().filter(|did| !**did).count();
        let direct_message = replicas[0].say(direct, troll, "late").await.unwrap_err();
        assert_eq!(direct_message.code, Code::PermissionDenied);
    }
    assert!(before > 0 && refused > 0, "{before} before the blocks, {refused} refused");
}

/// A user, whom another is about to reach when the user blocks the other.
struct Stalled {
    fixture: Fixture,
    holder: PgConnection,
}

impl Stalled {
    /// Holds rows against what is to be stalled.
    async fn by(fixture: Fixture, lock: &'static str) -> Self {
        let mut holder = PgConnection::connect(&fixture.url).await.unwrap();
        holder.execute("BEGIN").await.unwrap();
        holder.execute(lock).await.unwrap();
        Self { fixture, holder }
    }

    /// Waits until so many sessions wait for a lock, or a task has ended.
    async fn await_waiting<T>(&self, sessions: i64, task: &tokio::task::JoinHandle<T>) {
        const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = async {
            while self.fixture.count(WAITING).await < sessions && !task.is_finished() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
    }

    /// Lets an act of the other begin and stall, and shows that the block waits for its end. Answers with what the act
    /// came to, and the metrics of the replica that blocked.
    async fn show<T: Send + 'static>(mut self, act: impl Future<Output = T> + Send + 'static) -> (T, String) {
        let blocking = self.fixture.service().await;
        let act = tokio::spawn(act);
        self.await_waiting(1, &act).await;
        assert!(!act.is_finished(), "the act is stalled");
        let block = tokio::spawn(async move { block(&blocking, &user(1), &user(2)).await });
        self.await_waiting(2, &block).await;
        assert!(!block.is_finished(), "the block answered before what began earlier was committed");
        self.holder.execute("COMMIT").await.unwrap();
        let done = act.await.unwrap();
        block.await.unwrap().unwrap();
        (done, self.fixture.metrics())
    }
}

async fn fixture() -> (Fixture, Service, RoomId) {
    let fixture = Fixture::from(EitherDatabase::postgres().await.unwrap());
    let service = fixture.service().await;
    let room = service.given_room(&[&user(2), &user(1)]).await;
    (fixture, service, room)
}

const INBOX: &str = "SELECT FROM inboxes i JOIN profiles p USING (user_id) WHERE p.username = 'user-1' \
    FOR UPDATE OF i";

#[tokio::test]
async fn a_block_waits_for_an_addition_that_has_begun() {
    let (fixture, service, _) = fixture().await;
    let room = service.given_room(&[&user(2)]).await;
    let stalled = Stalled::by(fixture, INBOX).await;
    let added = stalled.show(async move { put(&service, room, &user(2), &user(1), Authority::User).await });
    assert!(added.await.0.unwrap());
}

#[tokio::test]
async fn a_block_waits_for_a_mention_that_has_begun() {
    let (fixture, service, room) = fixture().await;
    let stalled = Stalled::by(fixture, INBOX).await;
    stalled.show(async move { mention(&service, room, &user(2), "k").await }).await.0.unwrap();
}

#[tokio::test]
async fn a_block_waits_for_a_direct_room_that_is_being_made() {
    let (fixture, service, _) = fixture().await;
    let stalled = Stalled::by(fixture, INBOX).await;
    let new = room_of(RoomKind::Direct, "Direct", &[&user(1)]);
    let (made, metrics) = stalled.show(async move { service.make(&user(2), new).await }).await;
    made.unwrap();
    // It began anew, so that it has the lock of the room that it had not found.
    let conflict =
        "madang_database_transaction_duration_seconds_count{outcome=\"conflict\",transaction=\"block\"} 1";
    assert!(metrics.contains(conflict), "{metrics}");
}

#[tokio::test]
async fn a_block_waits_for_a_direct_message_that_has_begun() {
    let (fixture, service, _) = fixture().await;
    let new = room_of(RoomKind::Direct, "Direct", &[&user(1)]);
    let room = service.make(&user(2), new).await.unwrap().value.room.id;
    // The sender's row, which an append writes after it has judged.
    let members = "SELECT FROM members m JOIN rooms r ON r.id = m.room WHERE r.kind = 3 FOR UPDATE OF m";
    let stalled = Stalled::by(fixture, members).await;
    stalled.show(async move { service.say(room, &user(2), "k").await }).await.0.unwrap();
}
