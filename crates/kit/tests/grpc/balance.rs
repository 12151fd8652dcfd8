//! A channel over replicas that come and go.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use madang_kit::{
    Lifecycle, Readiness,
    grpc::{ClientOptions, ServiceChannel, channel},
    lifecycle::Outcome,
};
use tokio::time::timeout;

use crate::replica::{Replica, call};

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(20);

/// Within this time of its death, no call goes to a replica.
const NOTICED: Duration = Duration::from_secs(1);

/// Between the calls of a test that calls until something happens.
const PACE: Duration = Duration::from_millis(2);

fn client(replicas: &[&Replica], life: &Lifecycle) -> ServiceChannel {
    let urls: Vec<_> = replicas.iter().map(|replica| replica.url()).collect();
    channel("names", &urls.join(","), ClientOptions::default(), life).unwrap()
}

/// Calls until all of `names` have answered.
async fn answered_by(channel: &ServiceChannel, names: &[&str]) {
    let mut missing: HashSet<&str> = names.iter().copied().collect();
    let all = async {
        while !missing.is_empty() {
            if let Ok(name) = call(channel, "Get").await {
                missing.remove(name.as_str());
            }
            tokio::time::sleep(PACE).await;
        }
    };
    timeout(LONG, all).await.unwrap_or_else(|_| panic!("not all of {names:?} answer"));
}

/// The share of 200 calls, without retries, that each outcome has: (failures, answers by `name`).
async fn outcomes(channel: &ServiceChannel, name: &str) -> (u32, u32) {
    let (mut failures, mut by_name) = (0, 0);
    for _ in 0..200 {
        match call(channel, "Get").await {
            Ok(answer) if answer == name => by_name += 1,
            Ok(_) => {}
            Err(_) => failures += 1,
        }
    }
    (failures, by_name)
}

#[tokio::test]
async fn calls_are_spread_over_all_replicas() {
    let (one, two) = (Replica::start("one").await, Replica::start("two").await);
    let life = Lifecycle::default();
    let channel = client(&[&one, &two], &life);
    answered_by(&channel, &["one", "two"]).await;
    // Once each is known to serve, neither is left out. (Two choices of two, so the split is even.)
    let (failures, by_one) = outcomes(&channel, "one").await;
    assert_eq!(failures, 0);
    assert!((40..160).contains(&by_one), "{by_one} of 200");
}

#[tokio::test]
async fn a_killed_replica_gets_no_calls_and_a_returned_one_does() {
    let (one, two) = (Replica::start("one").await, Replica::start("two").await);
    let address = one.address;
    let life = Lifecycle::default();
    let channel = client(&[&one, &two], &life);
    answered_by(&channel, &["one", "two"]).await;

    one.kill();
    let killed = Instant::now();
    let mut last_failure = Duration::ZERO;
    while killed.elapsed() < NOTICED {
        if call(&channel, "Get").await.is_err() {
            last_failure = killed.elapsed();
        }
        tokio::time::sleep(PACE).await;
    }
    assert!(last_failure < NOTICED / 2, "calls failed for {last_failure:?}");
    assert_eq!(outcomes(&channel, "two").await, (0, 200), "without retries");

    let _one = Replica::start_at("one", address).await;
    answered_by(&channel, &["one", "two"]).await;
    assert_eq!(outcomes(&channel, "none").await.0, 0);
}

#[tokio::test]
async fn a_replica_that_hangs_is_left_out_and_taken_back() {
    let (one, two) = (Replica::start("one").await, Replica::start("two").await);
    let life = Lifecycle::default();
    let channel = client(&[&one, &two], &life);
    answered_by(&channel, &["one", "two"]).await;

    let resume = one.hang();
    let hung = Instant::now();
    // A short limit finds the hanging ones; when twenty calls in a row find none, it is left out.
    let mut good = 0;
    while good < 20 {
        assert!(hung.elapsed() < LONG, "it is still called");
        good = match timeout(Duration::from_millis(100), call(&channel, "Get")).await {
            Ok(Ok(_)) => good + 1,
            Ok(Err(_)) | Err(_) => 0,
        };
    }
    assert!(hung.elapsed() < Duration::from_secs(3), "left out after {:?}", hung.elapsed());
    drop(resume);
    answered_by(&channel, &["one", "two"]).await;
}

#[tokio::test]
async fn a_replica_that_drains_loses_no_call() {
    let (one, two) = (Replica::start("one").await, Replica::start("two").await);
    let life = Lifecycle::default();
    let channel = client(&[&one, &two], &life);
    answered_by(&channel, &["one", "two"]).await;

    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (channel, stop, calls) = (channel.clone(), Arc::clone(&stop), Arc::clone(&calls));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    call(&channel, "Get").await?;
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, tonic::Status>(())
            })
        })
        .collect();
    assert_eq!(one.stop().await, Outcome::Drained);
    let before = calls.load(Ordering::Relaxed);
    while calls.load(Ordering::Relaxed) < before + 100 {
        tokio::time::sleep(PACE).await;
        assert!(!callers.iter().all(tokio::task::JoinHandle::is_finished), "all callers failed");
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap().expect("no call fails, and none is retried");
    }
}

#[tokio::test]
async fn an_unready_replica_is_called_only_when_there_is_no_better() {
    let (one, two) = (Replica::start("one").await, Replica::start("two").await);
    let life = Lifecycle::default();
    let channel = client(&[&one, &two], &life);
    answered_by(&channel, &["one", "two"]).await;
    let check = one.readiness.check("postgres");
    check.failing("gone");
    let left = async { while outcomes(&channel, "one").await.1 > 0 {} };
    timeout(LONG, left).await.expect("it is left out");
    let other = two.readiness.check("postgres");
    other.failing("gone");
    answered_by(&channel, &["one", "two"]).await;
}

#[tokio::test]
async fn without_a_replica_calls_fail_at_once_and_readiness_says_so() {
    let one = Replica::start("one").await;
    let (life, readiness) = (Lifecycle::default(), Readiness::new());
    let options = ClientOptions { check: Some(readiness.check("names")), ..ClientOptions::default() };
    let channel = channel("names", &one.url(), options, &life).unwrap();
    answered_by(&channel, &["one"]).await;
    let mut watch = readiness.watch();
    timeout(LONG, watch.wait_for(madang_kit::health::State::is_ready)).await.unwrap().unwrap();

    one.kill();
    timeout(LONG, watch.wait_for(|state| !state.is_ready())).await.unwrap().unwrap();
    let begun = Instant::now();
    timeout(LONG, call(&channel, "Get")).await.unwrap().unwrap_err();
    assert!(begun.elapsed() < NOTICED);
}

#[tokio::test]
async fn a_channel_that_is_dropped_leaves_nothing_behind() {
    let one = Replica::start("one").await;
    let (life, readiness) = (Lifecycle::default(), Readiness::new());
    let options = ClientOptions { check: Some(readiness.check("names")), ..ClientOptions::default() };
    let channel = channel("names", &one.url(), options, &life).unwrap();
    answered_by(&channel, &["one"]).await;
    drop(channel);
    let mut watch = readiness.watch();
    // The balancer owns the check; with it go the probes.
    timeout(LONG, watch.wait_for(|state| state.checks.is_empty())).await.unwrap().unwrap();
}
