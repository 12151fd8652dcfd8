//! Where the bounds of `docs/delivery.md` come from: they are sums of the intervals and deadlines of the code.

use std::time::Duration;

use madang_kit::grpc::SILENCE_MAX;
use madang_rpc::store::method;

use super::{
    repair::{GAP_PATIENCE, PAUSES},
    shard::TICK,
    sweep::ALL_EVERY,
};

const DOCUMENT: &str = include_str!("../../../../docs/delivery.md");

/// What is left for the calls themselves, and for the pause of a client before it repeats one.
const MARGIN: Duration = Duration::from_millis(400);

/// The seconds that stand behind some words in the row of a promise.
fn promised(promise: &str, words: &str) -> Duration {
    let row = DOCUMENT.lines().find(|line| line.starts_with(&format!("| {promise} |"))).unwrap();
    let (_, after) = row.split_once(words).unwrap_or_else(|| panic!("{promise} does not say {words:?}"));
    Duration::from_secs(after.trim_start().split(' ').next().unwrap().parse().unwrap())
}

/// What is committed is found by the next comparison of heads, without anybody's help.
fn found() -> Duration {
    ALL_EVERY + TICK + GAP_PATIENCE
}

/// A call that hung when a silent partition ended: its connection is usable again or given up, or its deadline passes.
fn hung(deadline: Duration) -> Duration {
    deadline.max(SILENCE_MAX / 2)
}

#[test]
fn what_was_committed_is_delivered_in_time_after_any_fault() {
    let longest_pause = PAUSES.bound(u32::MAX);
    let repeated = [hung(method::heads.timeout) + TICK, hung(method::read.timeout) + longest_pause];
    let repeated = repeated.map(|step| step + GAP_PATIENCE);
    let bound = repeated.into_iter().fold(found(), Duration::max);
    let promised = promised("D5", "delivery is complete again within");
    assert!(bound + MARGIN <= promised, "{bound:?} and {MARGIN:?} of {promised:?}");
    assert!(bound + Duration::from_secs(1) > promised, "{promised:?} is more than the code needs: {bound:?}");
}

#[test]
fn what_is_sent_at_that_moment_is_delivered_in_time_after_a_silent_partition() {
    // The send hangs, and is repeated; then its publication is lost as well.
    let bound = hung(method::append.timeout) + found();
    let promised = promised("D5", "told nobody, within");
    assert!(bound + MARGIN <= promised, "{bound:?} and {MARGIN:?} of {promised:?}");
    assert!(bound + Duration::from_secs(1) > promised, "{promised:?} is more than the code needs: {bound:?}");
}
