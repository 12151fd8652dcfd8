//! A drill of the harness, as part of all tests: every quick kind of fault once, on debug binaries, whatever time it takes.

use madang_chaos::{
    Length, Settings,
    fault::{End, Injection, Kind},
    faults::run,
    report,
    screen::Screen,
};

/// A fixed one: the same rooms, messages and faults each time.
const SEED: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept_through_every_quick_fault() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        clients: 40,
        rooms: 8,
        quiet_rooms: 16,
        messages_a_second: 40.0,
        kinds: Kind::QUICK.to_vec(),
        directory: directory.path().to_owned(),
        ..Settings::new(SEED, Length::Rounds(1))
    };
    let logs = directory.path().join("logs");
    let run = run(settings, logs.clone(), &Screen::quiet()).await.unwrap();
    let report = report::faults(&run);
    if !report.passes {
        // What explains it outlives the test.
        let kept = directory.keep();
        panic!("{}\nlogs: {}", report.page, kept.join("logs").display());
    }
    println!("{}", report.summary);
    for kind in Kind::QUICK {
        let of_kind = |injection: &&Injection| injection.fault.kind == kind;
        let injected = run.injections.iter().find(of_kind).expect("each kind comes once");
        assert!(matches!(injected.end, End::Over { .. }), "{kind} was not injected");
    }
    // A judge without a case judges nothing.
    let counts = &run.judged.verdict.counts;
    let cases = [
        counts.acknowledged,
        counts.reconnects,
        counts.mentions,
        counts.presence,
        counts.walks,
        counts.removals,
        counts.revoked,
        counts.outlived,
        run.judged.verdict.availability.calm.sends,
        run.judged.verdict.availability.once.sends,
    ];
    assert!(cases.iter().all(|count| *count > 0), "{cases:?}");
}
