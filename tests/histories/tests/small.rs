//! Many short histories: SQLite, and a bus in this process.

use madang_histories::{Settle, Trial};

/// Seeds of histories that have failed, tried first.
const REGRESSIONS: &str = "proptest-regressions/small.txt";

#[test]
fn whatever_happens_everybody_hears_everything_once_and_in_order() {
    let trial = Trial::small(REGRESSIONS, 120).unwrap();
    if let Err(failure) = trial.run(&[Settle::Bell, Settle::Reset]) {
        panic!("{failure}");
    }
}

#[test]
fn what_nobody_announces_is_found_by_sweeping() {
    let trial = Trial::small(REGRESSIONS, 2).unwrap();
    if let Err(failure) = trial.run_together(&[Settle::Sweep], 16) {
        panic!("{failure}");
    }
}
