//! Budgets that gateways share.

use std::{sync::Arc, time::Duration};

use madang_bus::{BudgetError, TakeFromBudget, Taken};
use madang_flow_control::RateLimit;
use tokio::task::JoinSet;

use crate::{
    suite::Place,
    support::{Gateway, PATIENCE, fast, server::RedisServer},
};

/// So slow that none comes back within a test.
const RATE: RateLimit = RateLimit { interval: Duration::from_secs(1_000), burst: 40 };

suite! {
    gateways_take_from_one_budget,
    as_many_are_granted_as_there_are,
    a_full_budget_lends_what_a_burst_lacks,
    what_is_taken_comes_back_with_time,
    gateways_know_how_many_they_are,
}

async fn take(gateway: &Gateway, budget: &str, least: u32, most: u32) -> Taken {
    gateway.budgets.take(TakeFromBudget { budget, rate: RATE, least, most }).await.unwrap()
}

async fn gateways_take_from_one_budget(place: Place) {
    let gateways = Arc::new([place.gateway(1).await, place.gateway(2).await]);
    let mut takes = JoinSet::new();
    for number in 0..100 {
        let gateways = Arc::clone(&gateways);
        takes.spawn(async move { take(&gateways[number % 2], "user_sends:one", 1, 1).await });
    }
    let taken = takes.join_all().await;
    assert_eq!(taken.iter().filter(|taken| **taken == Taken::Granted(1)).count(), 40);
    assert_eq!(take(&gateways[1], "user_sends:two", 1, 1).await, Taken::Granted(1), "another's is its own");
}

async fn as_many_are_granted_as_there_are(place: Place) {
    let gateways = [place.gateway(1).await, place.gateway(2).await];
    assert_eq!(take(&gateways[0], "b", 1, 30).await, Taken::Granted(30));
    assert_eq!(take(&gateways[1], "b", 1, 30).await, Taken::Granted(10), "no more are there");
    let Taken::Refused(wait) = take(&gateways[0], "b", 2, 30).await else { panic!("granted") };
    assert!(wait <= RATE.interval * 2 && wait > RATE.interval, "{wait:?} for two");
}

async fn a_full_budget_lends_what_a_burst_lacks(place: Place) {
    let gateways = [place.gateway(1).await, place.gateway(2).await];
    assert_eq!(take(&gateways[0], "b", 50, 60).await, Taken::Granted(50));
    let Taken::Refused(wait) = take(&gateways[1], "b", 1, 1).await else { panic!("granted") };
    assert!(wait <= RATE.interval * 11 && wait > RATE.interval * 10, "{wait:?} for eleven");
}

async fn what_is_taken_comes_back_with_time(place: Place) {
    let (gateway, _other) = (place.gateway(1).await, place.gateway(2).await);
    let rate = RateLimit { interval: Duration::from_millis(100), burst: 2 };
    let take = || gateway.budgets.take(TakeFromBudget { budget: "b", rate, least: 1, most: 2 });
    assert_eq!(take().await.unwrap(), Taken::Granted(2));
    let Taken::Refused(wait) = take().await.unwrap() else { panic!("granted") };
    assert!(wait <= rate.interval, "{wait:?}");
    tokio::time::sleep(wait).await;
    assert!(matches!(take().await.unwrap(), Taken::Granted(1 | 2)));
}

/// Until the gateway knows of so many.
async fn knows_of(gateway: &Gateway, count: u32) {
    let known = async {
        while gateway.budgets.gateways() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("the gateways are counted");
}

async fn gateways_know_how_many_they_are(place: Place) {
    let one = place.gateway(1).await;
    knows_of(&one, 1).await;
    let other = place.gateway(2).await;
    knows_of(&one, 2).await;
    knows_of(&other, 2).await;
    other.bus.close().await;
    knows_of(&one, 1).await;
}

#[tokio::test]
async fn without_redis_nothing_is_known() {
    let gateway = Gateway::redis(fast("redis://127.0.0.1:1"), 1);
    assert_eq!(gateway.budgets.gateways(), u32::MAX, "there may be any number");
    let take = TakeFromBudget { budget: "b", rate: RATE, least: 1, most: 1 };
    assert!(matches!(gateway.budgets.take(take).await, Err(BudgetError::Unreachable)));
}

#[tokio::test]
async fn a_budget_that_is_full_again_takes_no_memory() {
    let server = RedisServer::start();
    let gateway = Gateway::healthy(fast(&server.url()), 1).await;
    let rate = RateLimit { interval: Duration::from_millis(1), burst: 10 };
    let take = TakeFromBudget { budget: "b", rate, least: 10, most: 10 };
    assert_eq!(gateway.budgets.take(take).await.unwrap(), Taken::Granted(10));
    let client = ::redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    loop {
        let keys: Vec<String> =
            ::redis::cmd("KEYS").arg("*budget*").query_async(&mut connection).await.unwrap();
        if keys.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.bus.metrics().budget_calls.get(), 1);
}
