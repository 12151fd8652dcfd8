//! What each variant promises of presence: one suite, run against each.
//!
//! That something is not told is shown by what is told next: changes of one topic come in one order.

use std::{collections::HashMap, time::Instant};

use madang_bus::Subscribed;

use crate::{
    suite::Place,
    support::{GRACE, Gateway, PATIENCE, topic},
};

/// A user whose coming is told after all that is to be told.
const MARKER: u128 = 999;

suite! {
    the_first_enter_anywhere_is_notified_to_all_subscribers,
    two_gateways_and_many_enters_count_as_one_user,
    a_user_who_returns_within_the_grace_never_left,
    who_returns_after_the_grace_has_come_again,
    the_users_of_a_dead_gateway_leave_once,
    a_gateway_that_closes_takes_its_users_with_it,
    many_gateways_give_up_many_users_once_each,
    topics_do_not_mix,
    names_are_given_up_to_the_limit,
    a_burst_ends_as_it_was_wanted_last,
}

/// Gateways with the numbers up to `count`, all of which are subscribed to topic 1.
async fn subscribers<const COUNT: usize>(place: &Place) -> [Gateway; COUNT] {
    let mut gateways = Vec::new();
    for id in 1..=COUNT {
        let gateway = place.gateway(id as u128).await;
        assert_eq!(gateway.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
        gateways.push(gateway);
    }
    gateways.try_into().ok().unwrap()
}

async fn the_first_enter_anywhere_is_notified_to_all_subscribers(place: Place) {
    let [mut first, mut second] = subscribers(&place).await;
    let mut other = place.gateway(3).await;
    assert_eq!(other.bus.subscribe(&[topic(2)]).await, Subscribed::Registered);
    first.enter(1, 7);
    for gateway in [&mut first, &mut second] {
        assert_eq!(gateway.changes(1).await, [(7, true, 1)]);
    }
    // A gateway without a subscription may ask too.
    assert_eq!(other.present(1, 10).await, (1, vec![7]));
    other.enter(1, 8);
    other.enter(2, MARKER);
    assert_eq!(second.changes(1).await, [(8, true, 2)]);
    assert_eq!(other.changes(1).await, [(MARKER, true, 1)]);
}

async fn two_gateways_and_many_enters_count_as_one_user(place: Place) {
    let [mut first, mut second] = subscribers(&place).await;
    first.enter(1, 7);
    assert_eq!(second.changes(1).await, [(7, true, 1)]);
    second.enter(1, 7);
    second.enter(1, 7);
    // Whose second enter was carried out: its own next change comes after it.
    second.enter(1, 8);
    assert_eq!(second.changes(1).await, [(8, true, 2)]);
    first.leave(1, 7);
    first.leave(1, 7);
    first.enter(1, 10);
    assert_eq!(first.changes(3).await, [(7, true, 1), (8, true, 2), (10, true, 3)]);
    first.leave(1, 10);
    assert_eq!(second.changes(2).await, [(10, true, 3), (10, false, 2)], "the grace of user 7 is over too");
    second.leave(1, 7);
    assert_eq!(second.changes(1).await, [(7, false, 1)]);
    assert_eq!(first.present(1, 10).await, (1, vec![8]));
}

async fn a_user_who_returns_within_the_grace_never_left(place: Place) {
    let [mut first, mut second] = subscribers(&place).await;
    first.enter(1, 7);
    first.enter(1, 8);
    let mut came = second.changes(1).await;
    came.extend(second.changes(1).await);
    came.sort_unstable();
    assert_eq!(came.iter().map(|(user, on, _)| (*user, *on)).collect::<Vec<_>>(), [(7, true), (8, true)]);
    first.changes(1).await;
    first.changes(1).await;
    let start = Instant::now();
    first.leave(1, 7);
    first.leave(1, 8);
    // Who goes is there for a while.
    assert_eq!(second.present(1, 10).await.0, 2);
    second.enter(1, 7);
    assert_eq!(first.changes(1).await, [(8, false, 1)]);
    assert!(start.elapsed() >= GRACE, "{:?}", start.elapsed());
    second.leave(1, 7);
    assert_eq!(first.changes(1).await, [(7, false, 0)]);
    assert_eq!(first.present(1, 10).await, (0, vec![]));
}

async fn who_returns_after_the_grace_has_come_again(place: Place) {
    let [mut first, second] = subscribers(&place).await;
    for _ in 0..2 {
        first.enter(1, 7);
        assert_eq!(first.changes(1).await, [(7, true, 1)]);
        first.leave(1, 7);
        assert_eq!(first.changes(1).await, [(7, false, 0)]);
    }
    second.enter(1, 7);
    assert_eq!(first.changes(1).await, [(7, true, 1)]);
}

async fn the_users_of_a_dead_gateway_leave_once(place: Place) {
    let [mut first, dying, second] = subscribers(&place).await;
    dying.enter(1, 7);
    assert_eq!(first.changes(1).await, [(7, true, 1)]);
    dying.enter(1, 8);
    assert_eq!(first.changes(1).await, [(8, true, 2)]);
    second.enter(1, 8);
    second.enter(1, 9);
    assert_eq!(first.changes(1).await, [(9, true, 3)]);
    dying.abandon().await;
    assert_eq!(first.changes(1).await, [(7, false, 2)]);
    assert_eq!(second.present(1, 10).await, (2, vec![8, 9]));
    second.abandon().await;
    let mut users: Vec<_> = [first.changes(1).await, first.changes(1).await].concat();
    users.sort_unstable();
    assert_eq!(users.iter().map(|(user, on, _)| (*user, *on)).collect::<Vec<_>>(), [(8, false), (9, false)]);
    first.enter(1, MARKER);
    assert_eq!(first.changes(1).await, [(MARKER, true, 1)]);
}

async fn a_gateway_that_closes_takes_its_users_with_it(place: Place) {
    let [mut first, closing] = subscribers(&place).await;
    closing.enter(1, 7);
    closing.enter(1, 8);
    assert_eq!(first.changes(1).await.len() + first.changes(1).await.len(), 2);
    closing.bus.close().await;
    // Its users come back to another.
    first.enter(1, 7);
    assert_eq!(first.changes(1).await, [(8, false, 1)]);
    closing.enter(1, 9);
    first.enter(1, MARKER);
    assert_eq!(first.changes(1).await, [(MARKER, true, 2)]);
    assert_eq!(first.present(1, 10).await, (2, vec![7, MARKER]));
}

async fn many_gateways_give_up_many_users_once_each(place: Place) {
    // More than one call moves.
    const USERS: u128 = 600;
    let [dying, first, second, third, fourth] = subscribers(&place).await;
    let mut others = [first, second, third, fourth];
    for user in 0..USERS {
        dying.enter(1, user);
    }
    for other in &mut others {
        assert_eq!(all(other, USERS, true).await, USERS as u64);
    }
    dying.abandon().await;
    for other in &mut others {
        assert_eq!(all(other, USERS, false).await, 0);
    }
    others[0].enter(1, MARKER);
    for other in &mut others {
        assert_eq!(other.changes(1).await, [(MARKER, true, 1)]);
    }
}

/// Waits until all users have entered or left, each once; returns the last count.
async fn all(gateway: &mut Gateway, users: u128, on: bool) -> u64 {
    let mut seen: HashMap<u128, u32> = HashMap::new();
    let mut last = 0;
    while (seen.len() as u128) < users {
        for (user, is_on, count) in gateway.some_changes().await {
            assert_eq!(is_on, on);
            *seen.entry(user).or_default() += 1;
            last = count;
        }
    }
    assert!(seen.values().all(|times| *times == 1));
    last
}

async fn topics_do_not_mix(place: Place) {
    let [mut first, second] = subscribers(&place).await;
    for of in 2..40 {
        second.enter(of, 7);
    }
    second.enter(1, 8);
    assert_eq!(first.changes(1).await, [(8, true, 1)]);
    second.leave(2, 7);
    second.leave(1, 8);
    assert_eq!(first.changes(1).await, [(8, false, 0)]);
    assert_eq!(first.present(3, 10).await, (1, vec![7]));
}

async fn names_are_given_up_to_the_limit(place: Place) {
    let [mut first] = subscribers(&place).await;
    assert_eq!(first.present(1, 10).await, (0, vec![]));
    for user in 0..10 {
        first.enter(1, user);
    }
    all(&mut first, 10, true).await;
    assert_eq!(first.present(1, 10).await, (10, (0..10).collect()));
    assert_eq!(first.present(1, 9).await, (10, vec![]));
}

async fn a_burst_ends_as_it_was_wanted_last(place: Place) {
    const USERS: u128 = 500;
    let [mut first, second] = subscribers(&place).await;
    for round in 0..6 {
        for user in 0..USERS {
            let gateway = if (user + round) % 2 == 0 { &first } else { &second };
            if (user / 2 + round) % 3 == 0 { gateway.leave(1, user) } else { gateway.enter(1, user) }
        }
        tokio::task::yield_now().await;
    }
    for user in 0..USERS {
        first.leave(1, user);
        second.leave(1, user);
    }
    first.enter(1, MARKER);
    // Whatever was told, it adds up.
    let mut here: HashMap<u128, bool> = HashMap::new();
    let start = Instant::now();
    while here.get(&MARKER) != Some(&true) || here.values().filter(|on| **on).count() > 1 {
        assert!(start.elapsed() < PATIENCE, "{here:?}");
        for (user, on, _) in first.some_changes().await {
            assert_ne!(here.insert(user, on), Some(on), "user {user} twice");
        }
    }
    assert_eq!(first.present(1, 10).await, (1, vec![MARKER]));
}
