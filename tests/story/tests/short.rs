//! The story of a small crowd, as part of all tests.

use std::time::Duration;

use madang_story::{Settings, run};

/// A fixed one: the same crowd each time. `make story` takes a fresh one.
const SEED: u64 = 11;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_shows_what_a_fresh_load_shows_though_gateways_are_killed() {
    let settings = Settings {
        clients: 16,
        rooms: 3,
        rooms_each: 2,
        deeds_a_second: 40.0,
        erased: 2,
        ..Settings::new(SEED, Duration::from_secs(8))
    };
    let verdict = run(&settings, |_| {}).await.unwrap();
    assert!(verdict.passes(), "{}", verdict.summary(SEED));
    // A story in which nothing happens shows nothing.
    let done = |what: &str| verdict.counts.get(what).is_some_and(|counts| counts.done > 0);
    let missing: Vec<&str> = ["say by the session", "say", "reply", "edit", "react", "read", "erase"]
        .into_iter()
        .filter(|what| !done(what))
        .collect();
    assert!(missing.is_empty() && !verdict.kills.is_empty(), "{missing:?}: {}", verdict.summary(SEED));
}
