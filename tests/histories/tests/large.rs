//! Fewer histories: PostgreSQL with two replicas of the store, and Redis.

use madang_histories::{Settle, Trial};

/// Seeds of histories that have failed, tried first.
const REGRESSIONS: &str = "proptest-regressions/large.txt";

#[test]
fn whatever_happens_everybody_hears_everything_once_and_in_order() {
    let trial = Trial::large(REGRESSIONS, 25).unwrap();
    if let Err(failure) = trial.run(&[Settle::Bell, Settle::Reset]) {
        panic!("{failure}");
    }
}
