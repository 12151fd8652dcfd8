//! The protocol as it is keeps its promises, whatever happens within each of these bounds.

use madang_model::{
    bounds::{Bounds, Fault, Start},
    check::check,
    model::witness,
};

/// Every kind there is.
const ANY: &[Fault] = &[
    Fault::Crash,
    Fault::Flush,
    Fault::LeaseLoss,
    Fault::StreamLoss,
    Fault::PublishLoss,
    Fault::Cut,
    Fault::Failover,
    Fault::AnswerLoss,
    Fault::SenderLoss,
    Fault::SocketLoss,
];

/// Nothing happens here; each test says what does.
const QUIET: Bounds = Bounds {
    name: "",
    messages: 0,
    removal: false,
    subscribers: 1,
    start: Start::Cold,
    faults: 0,
    kinds: &[],
    sweep: true,
    gives_up_hubs: false,
};

/// Checks a bound. `at_least` states keep a model that does nothing from passing; each of the `witnesses` must
/// have been met.
fn holds(bounds: Bounds, at_least: usize, witnesses: &[&str]) {
    let report = check(bounds, None);
    eprintln!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    assert!(report.states >= at_least, "{} states are too few", report.states);
    for witness in witnesses.iter().chain(&[witness::DELIVERED]) {
        assert!(report.met.contains(witness), "not met: {witness}; met: {:?}", report.met);
    }
}

#[test]
fn two_come_at_once_while_two_messages_are_sent() {
    let bounds = Bounds { name: "two come at once", messages: 2, subscribers: 2, ..QUIET };
    holds(bounds, 200_000, &[witness::HELD, witness::PENDING, witness::BEHIND]);
}

#[test]
fn a_member_is_removed_while_two_come_and_go() {
    let bounds = Bounds {
        name: "a removal, two come and one goes",
        messages: 1,
        removal: true,
        subscribers: 2,
        start: Start::Live([0, 1]),
        faults: 1,
        kinds: &[Fault::SocketLoss],
        ..QUIET
    };
    holds(bounds, 100_000, &[witness::HELD, witness::PENDING, witness::BEHIND, witness::REMOVED]);
}

#[test]
fn a_member_is_removed_and_something_fails() {
    let bounds =
        Bounds { name: "a removal, any fault", messages: 1, removal: true, faults: 1, kinds: ANY, ..QUIET };
    holds(bounds, 500_000, &[witness::HELD, witness::PENDING, witness::UNHEARD, witness::REMOVED]);
}

#[test]
fn something_fails_while_two_come() {
    let bounds = Bounds {
        name: "two come, any fault, hubs given up",
        messages: 1,
        subscribers: 2,
        faults: 1,
        kinds: ANY,
        gives_up_hubs: true,
        ..QUIET
    };
    holds(bounds, 300_000, &[witness::PENDING, witness::BEHIND, witness::DUPLICATE, witness::UNHEARD]);
}

#[test]
fn two_things_fail() {
    let bounds = Bounds { name: "any two faults", messages: 1, faults: 2, kinds: ANY, ..QUIET };
    holds(bounds, 500_000, &[witness::PENDING, witness::BEHIND, witness::DUPLICATE, witness::UNHEARD]);
}

#[test]
fn senders_that_do_not_know_send_again() {
    let bounds = Bounds {
        name: "two senders, two losses of an answer, a sender or a gateway",
        messages: 2,
        start: Start::Live([0, 1]),
        faults: 2,
        kinds: &[Fault::AnswerLoss, Fault::SenderLoss, Fault::Crash],
        ..QUIET
    };
    holds(bounds, 500_000, &[witness::HELD, witness::DUPLICATE]);
}

#[test]
fn redis_fails_twice() {
    let bounds = Bounds {
        name: "two messages, two faults of Redis",
        messages: 2,
        start: Start::Live([0, 1]),
        faults: 2,
        kinds: &[
            Fault::Flush,
            Fault::LeaseLoss,
            Fault::StreamLoss,
            Fault::PublishLoss,
            Fault::Cut,
            Fault::Failover,
        ],
        ..QUIET
    };
    holds(bounds, 500_000, &[witness::HELD, witness::BEHIND, witness::UNHEARD]);
}

#[test]
fn three_messages_overtake_each_other() {
    let bounds = Bounds {
        name: "three messages, one entry lost",
        messages: 3,
        start: Start::Live([0, 1]),
        faults: 1,
        kinds: &[Fault::PublishLoss, Fault::StreamLoss],
        ..QUIET
    };
    holds(bounds, 100_000, &[witness::HELD, witness::BEHIND]);
}

/// The table of `crates/bus/src/redis/mod.rs`: what tells of a loss, tells it. Nothing is compared now and then here, so
/// that whatever the notices miss stays missing. One fault each: for two, and for the answer of an append that
/// is lost between store and gateway, the sweep is there.
#[test]
fn notices_tell_of_every_loss_that_they_should() {
    let kinds = &[
        Fault::Crash,
        Fault::Flush,
        Fault::LeaseLoss,
        Fault::StreamLoss,
        Fault::PublishLoss,
        Fault::Cut,
        Fault::Failover,
        Fault::SenderLoss,
        Fault::SocketLoss,
    ];
    let bounds = Bounds { faults: 1, kinds, sweep: false, ..QUIET };
    let two = Bounds { name: "no sweep, two come", messages: 1, subscribers: 2, ..bounds };
    holds(two, 200_000, &[witness::PENDING, witness::BEHIND, witness::UNHEARD]);
    let start = Start::Live([0, 1]);
    let removal = Bounds { name: "no sweep, a removal", messages: 1, removal: true, start, ..bounds };
    holds(removal, 100_000, &[witness::HELD, witness::BEHIND, witness::REMOVED]);
}
