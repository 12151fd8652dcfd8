//! A short run of the harness, as part of all tests: every quick fault once, on debug binaries.

use std::time::Duration;

use madang_chaos::{
    Settings,
    fault::Kind,
    faults::{End, run},
    report::{self, Screen},
};

/// A fixed one: the same rooms, messages and faults each time.
const SEED: u64 = 20;
/// Enough for each of the quick kinds, at some four seconds each.
const DURATION: Duration = Duration::from_secs(52);
/// Unoptimised processes on a machine that does other things, too; less than a lease, whose end makes good what a sweep
/// has left. The promise of 5 s is held against long runs.
const COMPLETE_WITHIN: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_or_out_of_order_through_every_quick_fault() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        clients: 40,
        rooms: 8,
        quiet_rooms: 16,
        messages_a_second: 40.0,
        kinds: Kind::QUICK.to_vec(),
        complete_within: COMPLETE_WITHIN,
        directory: directory.path().to_owned(),
        ..Settings::new(SEED, DURATION)
    };
    let logs = directory.path().join("logs");
    let run = run(settings, logs.clone(), &Screen::quiet()).await.unwrap();
    let injected =
        run.injections.iter().filter(|injection| matches!(injection.end, End::Over { .. })).count();
    let report = report::faults(&run);
    if !report.passes {
        // What explains it outlives the test.
        let kept = directory.keep();
        panic!("{}\nlogs: {}", report.page, kept.join("logs").display());
    }
    assert!(injected >= Kind::QUICK.len() / 2, "only {injected} faults: is this machine too busy?");
    assert!(run.verdict.counts.acknowledged > 0 && run.verdict.counts.reconnects > 0);
}
