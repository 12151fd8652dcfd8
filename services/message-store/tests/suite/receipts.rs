//! How far the members of a room have read it: what the room shows, and that the counts are those of a naive count.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

use madang_domain::{
    Code, Profile, Receipts, Result, RoomFlagChanges, RoomId, RoomRef, Seq, UserId, limits::READ_MARKS_MAX,
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{DeliveredMark, GetReads, Join, Leave, Mark, MarkDelivered, MarkRead, RoomReads},
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};

use crate::{
    room_flags::{NONE, set},
    support::{Fixture, Words as _, user},
};

madang_test_kit::on_both!(
    a_room_shows_as_much_of_read_marks_as_it_says,
    who_has_written_has_read,
    read_marks_are_for_members_and_gateways,
    of_a_large_room_the_latest_marks_are_counted,
    devices_have_received_no_less_than_was_read,
    what_is_not_read_is_what_a_naive_count_says,
);

pub(crate) async fn reads(service: &Service, room: RoomId, user: &Profile) -> Result<RoomReads> {
    service.get_reads(GetReads { user: Some(user.id), room: room.into() }).await
}

pub(crate) async fn mark(service: &Service, room: RoomId, user: &Profile, seq: u64) {
    service.mark_read(MarkRead { user: user.id, room: room.into(), seq: Seq::new(seq) }).await.unwrap();
}

async fn show(service: &Service, room: RoomId, owner: &Arc<Profile>, receipts: Receipts) {
    let changes = RoomFlagChanges { receipts: Some(receipts), ..NONE };
    set(service, room, owner, changes).await.unwrap();
}

/// Places with the number of members there, and who they are.
fn places(marks: &[Mark]) -> Vec<(u64, u64, Vec<UserId>)> {
    marks.iter().map(|mark| (mark.seq.get(), mark.members, mark.users.clone())).collect()
}

/// How many members have not read the message at a place.
pub(crate) fn not_read(reads: &RoomReads, seq: Seq) -> u64 {
    assert!(seq > reads.from, "{seq} is not after {reads:?}");
    reads.reads.iter().filter(|mark| mark.seq < seq).map(|mark| mark.members).sum()
}

async fn a_room_shows_as_much_of_read_marks_as_it_says(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    // Who was added stands at the own joining.
    for number in 0..3 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    mark(&service, room, &jun, 5).await;
    let counted = reads(&service, room, &hana).await.unwrap();
    assert_eq!((counted.receipts, counted.members, counted.from), (Receipts::Count, 3, Seq::START));
    assert_eq!(places(&counted.reads), [(3, 1, vec![]), (5, 1, vec![]), (6, 1, vec![])]);
    assert_eq!([4, 5, 6].map(|seq| not_read(&counted, Seq::new(seq))), [1, 1, 2]);

    show(&service, room, &mina, Receipts::Names).await;
    let named = reads(&service, room, &hana).await.unwrap();
    assert_eq!(named.receipts, Receipts::Names);
    assert_eq!(places(&named.reads), [(3, 1, vec![hana.id]), (5, 1, vec![jun.id]), (6, 1, vec![mina.id])]);
    mark(&service, room, &hana, 5).await;
    let named = reads(&service, room, &hana).await.unwrap();
    assert_eq!(places(&named.reads), [(5, 2, vec![jun.id, hana.id]), (6, 1, vec![mina.id])]);

    show(&service, room, &mina, Receipts::None).await;
    let nothing = reads(&service, room, &hana).await.unwrap();
    assert_eq!((nothing.receipts, nothing.members), (Receipts::None, 3));
    assert!(nothing.reads.is_empty() && nothing.delivered.is_empty(), "{nothing:?}");
}

async fn who_has_written_has_read(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let first = service.say(room, &mina, "first").await.unwrap().seq;
    assert_eq!(not_read(&reads(&service, room, &mina).await.unwrap(), first), 1);
    let answer = service.say(room, &jun, "answer").await.unwrap().seq;
    let read = reads(&service, room, &mina).await.unwrap();
    assert_eq!((not_read(&read, first), not_read(&read, answer)), (0, 1));
    // The own unread number is as before: that mark is the user's own affair.
    assert_eq!(service.unread(room, &jun).await, 1);
}

async fn read_marks_are_for_members_and_gateways(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, stranger) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    assert_eq!(reads(&service, room, &stranger).await.unwrap_err().code, Code::PermissionDenied);
    let nowhere = GetReads { user: None, room: RoomId::new(uuid::Uuid::from_u128(9)).into() };
    assert_eq!(service.get_reads(nowhere).await.unwrap_err().code, Code::NotFound);
    let to_gateway = service.get_reads(GetReads { user: None, room: room.into() }).await.unwrap();
    assert_eq!(to_gateway, reads(&service, room, &mina).await.unwrap());
    for (receipts, shown) in [(Receipts::None, false), (Receipts::Names, true)] {
        show(&service, room, &mina, receipts).await;
        let request = MarkRead { user: mina.id, room: room.into(), seq: Seq::new(1) };
        assert_eq!(service.mark_read(request).await.unwrap().shown, shown);
    }
}

async fn of_a_large_room_the_latest_marks_are_counted(fixture: Fixture) {
    let service = fixture.service().await;
    let owner = user(1);
    let room = service.given_public_room(&owner).await;
    show(&service, room, &owner, Receipts::Names).await;
    // Everybody stands at the own joining: so many places.
    let people: Vec<_> = (0..u128::from(READ_MARKS_MAX) + 20).map(|number| user(1_000 + number)).collect();
    for person in &people {
        service.join(Join { actor: Arc::clone(person), room: room.into() }).await.unwrap();
    }
    let said = service.say(room, &owner, "to all").await.unwrap().seq;
    for person in &people[..30] {
        mark(&service, room, person, said.get()).await;
    }
    let members = people.len() as u64 + 1;
    let read = reads(&service, room, &owner).await.unwrap();
    assert_eq!((read.members, read.from, read.delivered.len()), (members, Seq::START, 0));
    assert!(read.reads.iter().all(|mark| mark.users.is_empty()), "no names in a large room");
    assert_eq!(not_read(&read, said), members - 31);

    // Counted marks are as of a moment ago, and no older than that.
    mark(&service, room, &people[30], said.get()).await;
    assert_eq!(reads(&service, room, &owner).await.unwrap(), read);
    fixture.clock.advance(Duration::from_millis(members));
    let later = reads(&service, room, &owner).await.unwrap();
    assert_eq!(not_read(&later, said), members - 32);

    // With more places than are told the first one stands for those before it, and what lies after it is exact.
    fixture.execute("UPDATE members SET read_seq = 2, sent_seq = 0 WHERE read_seq < 40").await;
    for person in people.iter().rev() {
        service.say(room, person, "here").await.unwrap();
    }
    fixture.clock.advance(Duration::from_millis(members));
    let latest = reads(&service, room, &owner).await.unwrap();
    assert_eq!((latest.reads.len(), latest.members), (READ_MARKS_MAX as usize, members));
    assert_eq!(latest.from, latest.reads[0].seq);
    let head = service.view(room, &owner).await.room.head;
    for place in latest.from.get() + 1..=head.get() {
        // One member for each place up to the head has written last there.
        assert_eq!(not_read(&latest, Seq::new(place)), members - (head.get() - place + 1), "{place}");
    }
}

async fn devices_have_received_no_less_than_was_read(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let other = service.given_room(&[&mina, &jun]).await;
    for number in 0..3 {
        service.say(room, &mina, &format!("{number}")).await.unwrap();
    }
    let deliver = async |marks: &[(RoomId, &Profile, u64)]| {
        let mark = |(room, user, seq): &(RoomId, &Profile, u64)| DeliveredMark {
            room: *room,
            user: user.id,
            seq: Seq::new(*seq),
        };
        service.mark_delivered(MarkDelivered { marks: marks.iter().map(mark).collect() }).await.unwrap()
    };
    let delivered = async || {
        let reads = reads(&service, room, &mina).await.unwrap();
        reads.delivered.iter().map(|mark| (mark.seq.get(), mark.members)).collect::<Vec<_>>()
    };
    // Who was added has received the own joining; who wrote has received all of before.
    assert_eq!(delivered().await, [(2, 1), (3, 1), (6, 1)]);
    let stranger = user(9);
    assert_eq!(deliver(&[(room, &jun, 5), (room, &stranger, 5), (other, &jun, 1)]).await, [room]);
    assert_eq!(delivered().await, [(3, 1), (5, 1), (6, 1)]);
    assert!(deliver(&[(room, &jun, 5), (room, &jun, 4), (room, &mina, 6)]).await.is_empty(), "no news");
    assert_eq!(deliver(&[(room, &jun, u64::MAX), (room, &hana, 4)]).await, [room]);
    assert_eq!(delivered().await, [(4, 1), (6, 2)], "never past the head");
    mark(&service, room, &hana, 5).await;
    assert_eq!(delivered().await, [(5, 1), (6, 2)], "what was read was received");
    show(&service, room, &mina, Receipts::None).await;
    assert!(deliver(&[(room, &hana, 6)]).await.is_empty(), "nothing is shown");
    let room_gone = RoomId::new(uuid::Uuid::from_u128(9));
    assert!(deliver(&[(room_gone, &hana, 6)]).await.is_empty() && deliver(&[]).await.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Say(usize),
    Mark(usize, u8),
    Leave(usize),
    Return(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let person = || 0..4_usize;
    prop_oneof![
        5 => person().prop_map(Step::Say),
        5 => (person(), any::<u8>()).prop_map(|(person, at)| Step::Mark(person, at)),
        1 => person().prop_map(Step::Leave),
        2 => person().prop_map(Step::Return),
    ]
}

/// What everybody has done, without any arithmetic.
#[derive(Debug, Default)]
struct Naive {
    /// Of each member, all that was read: the place up to which each mark was set.
    marks: BTreeMap<UserId, Vec<Seq>>,
    /// All messages, with their senders; of a former membership they say nothing about the present one.
    said: Vec<(Seq, UserId, u32)>,
    /// How often each has joined.
    joined: BTreeMap<UserId, u32>,
}

impl Naive {
    fn has_read(&self, user: UserId, seq: Seq) -> bool {
        let marked = self.marks[&user].iter().any(|mark| *mark >= seq);
        let joined = self.joined[&user];
        marked || self.said.iter().any(|(at, sender, of)| *sender == user && *of == joined && *at >= seq)
    }

    fn not_read(&self, seq: Seq) -> u64 {
        self.marks.keys().filter(|user| !self.has_read(**user, seq)).count() as u64
    }
}

async fn what_is_not_read_is_what_a_naive_count_says(fixture: Fixture) {
    let service = fixture.service().await;
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(()));
    let histories = std::env::var("CONVERGENCE_HISTORIES").ok().and_then(|text| text.parse::<u64>().ok());
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    let owner = user(0);
    let people: Vec<_> = [1, 2, 3, 4].map(user).into();
    for _ in 0..histories.unwrap_or(12) {
        let steps = vec(step(), 1..60).new_tree(&mut runner).unwrap().current();
        let room = service.given_public_room(&owner).await;
        let mut naive = Naive::default();
        naive.marks.insert(owner.id, vec![Seq::new(1)]);
        naive.joined.insert(owner.id, 1);
        for (number, step) in steps.iter().enumerate() {
            play(&service, room, &people, &mut naive, number, step).await;
        }
        let read = reads(&service, room, &owner).await.unwrap();
        for (seq, ..) in &naive.said {
            assert_eq!(
                not_read(&read, *seq),
                naive.not_read(*seq),
                "of {seq}; PROPTEST_RNG_SEED={seed} {steps:?} {read:?} {naive:?}"
            );
        }
    }
}

async fn play(
    service: &Service,
    room: RoomId,
    people: &[Arc<Profile>],
    naive: &mut Naive,
    number: usize,
    step: &Step,
) {
    let at = || RoomRef::Id(room);
    match *step {
        Step::Say(person) => {
            let person = &people[person];
            // Who is no member is refused.
            if let Ok(said) = service.say(room, person, &number.to_string()).await {
                naive.said.push((said.seq, person.id, naive.joined[&person.id]));
            }
        }
        Step::Mark(person, at_place) => {
            let user = people[person].id;
            let head = naive.said.last().map_or(1, |(seq, ..)| seq.get());
            let seq = Seq::new(u64::from(at_place) % (head + 1));
            if service.mark_read(MarkRead { user, room: at(), seq }).await.is_ok() {
                naive.marks.get_mut(&user).unwrap().push(seq);
            }
        }
        Step::Leave(person) => {
            let actor = Arc::clone(&people[person]);
            if service.leave(Leave { actor, room: at() }).await.is_ok() {
                naive.marks.remove(&people[person].id);
            }
        }
        Step::Return(person) => {
            let user = people[person].id;
            let joined = service.join(Join { actor: Arc::clone(&people[person]), room: at() }).await.unwrap();
            if !joined.events.is_empty() {
                naive.marks.insert(user, vec![joined.value.room.head]);
                *naive.joined.entry(user).or_insert(0) += 1;
            }
        }
    }
}
