//! Each seeded defect is caught, by the promise that it breaks; and the same bound holds without it.

use madang_model::{
    bounds::{Bounds, Defect, Fault, Start},
    check::{check, hunt},
    model::promise,
};

/// One message, one subscriber that is live at the first gateway.
const SMALL: Bounds = Bounds {
    name: "small",
    messages: 1,
    removal: false,
    subscribers: 1,
    start: Start::Live([0, 0]),
    faults: 0,
    kinds: &[],
    sweep: true,
    gives_up_hubs: false,
};

/// The defect breaks that promise within the bounds, and without it nothing is broken there.
fn is_caught(defect: Defect, bounds: Bounds, promise: &'static str) {
    let report = hunt(bounds, defect, promise);
    let Some(trace) = report.broken.get(promise) else { panic!("{defect:?} passes for sound: {report}") };
    eprintln!("{defect:?} breaks \"{promise}\" after {} states:\n{trace}", report.states);
    let sound = check(bounds, None);
    assert!(sound.broken.is_empty(), "{sound}");
}

#[test]
fn publishing_before_the_commit() {
    is_caught(Defect::PublishBeforeCommit, Bounds { messages: 2, ..SMALL }, promise::ORDERED);
    let crash = Bounds { faults: 1, kinds: &[Fault::Crash], ..SMALL };
    is_caught(Defect::PublishBeforeCommit, crash, promise::ORDERED);
}

#[test]
fn registering_after_reading_the_head() {
    // The sweep would find in seconds what is missing here.
    let bounds = Bounds { start: Start::Cold, sweep: false, ..SMALL };
    is_caught(Defect::RegisterAfterHead, bounds, promise::COMPLETE);
}

#[test]
fn not_looking_for_used_keys() {
    let bounds = Bounds { faults: 1, kinds: &[Fault::AnswerLoss], ..SMALL };
    is_caught(Defect::NoKeyCheck, bounds, promise::IDEMPOTENT);
    let bounds = Bounds { faults: 1, kinds: &[Fault::SenderLoss], ..SMALL };
    is_caught(Defect::NoKeyCheck, bounds, promise::IDEMPOTENT);
}

#[test]
fn delivering_as_it_comes() {
    let bounds = Bounds { messages: 2, ..SMALL };
    is_caught(Defect::DeliversAsItComes, bounds, promise::ORDERED);
    is_caught(Defect::DeliversAsItComes, bounds, promise::GAPLESS);
}

#[test]
fn never_comparing_heads() {
    let bounds = Bounds { faults: 1, kinds: &[Fault::Crash], ..SMALL };
    is_caught(Defect::NoSweep, bounds, promise::COMPLETE);
}

#[test]
fn saying_live_events_before_the_replay() {
    let bounds = Bounds { messages: 2, faults: 1, kinds: &[Fault::SocketLoss], ..SMALL };
    is_caught(Defect::LiveBeforeReplay, bounds, promise::ORDERED);
}

#[test]
fn losing_the_lease_without_registering_again() {
    let bounds = Bounds { faults: 1, kinds: &[Fault::LeaseLoss], ..SMALL };
    is_caught(Defect::NoReregistration, bounds, promise::LISTENING);
    is_caught(Defect::NoReregistration, Bounds { sweep: false, ..bounds }, promise::COMPLETE);
}

#[test]
fn removing_outside_of_the_log() {
    is_caught(Defect::RemovalOutsideTheLog, Bounds { removal: true, ..SMALL }, promise::AUTHORITY);
}

#[test]
fn beginning_for_all_where_the_first_begins() {
    let bounds = Bounds { subscribers: 2, start: Start::Cold, ..SMALL };
    is_caught(Defect::FirstHeadForAll, Bounds { messages: 2, ..bounds }, promise::GAPLESS);
    // Who missed the removal goes on listening.
    is_caught(Defect::FirstHeadForAll, Bounds { removal: true, ..bounds }, promise::AUTHORITY);
}

#[test]
fn saying_what_waited_behind_a_removal() {
    let bounds = Bounds { removal: true, start: Start::Cold, ..SMALL };
    is_caught(Defect::PendingPastRemoval, bounds, promise::AUTHORITY);
}

#[test]
fn comparing_only_hubs_that_have_begun() {
    let bounds =
        Bounds { start: Start::Cold, faults: 1, kinds: &[Fault::PublishLoss], sweep: false, ..SMALL };
    is_caught(Defect::ComparesOpenHubsOnly, bounds, promise::COMPLETE);
}

#[test]
fn taking_a_replica_for_its_master() {
    let bounds = Bounds { faults: 1, kinds: &[Fault::Failover], ..SMALL };
    is_caught(Defect::EpochOutlivesFailover, bounds, promise::LISTENING);
}
