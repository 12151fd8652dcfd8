//! The readiness of the process, as `/readyz` has it.

use super::{declared::Described, exposition::Exposition};
use crate::health::Readiness;

const READY: Described = Described::gauge(
    "madang.ready",
    "",
    "1 while the process should be given work, as /readyz says, else 0.",
);
const CHECK: Described =
    Described::gauge("madang.readiness.check", "", "1 while a check of the readiness passes, else 0.")
        .by(&["check"]);

/// Adds the metrics.
pub(super) fn observe(metrics: &Exposition, readiness: Readiness) {
    let of_checks = readiness.clone();
    metrics.observe(READY, move |observer| observer.observe(number(readiness.is_ready()), &[]));
    metrics.observe(CHECK, move |observer| {
        // Two services of one process may have checks of one name: it passes when all of them do.
        let mut checks = std::collections::BTreeMap::new();
        for check in of_checks.snapshot().checks {
            *checks.entry(check.name).or_insert(true) &= check.failing.is_none();
        }
        for (name, passes) in checks {
            observer.observe(number(passes), &[&name]);
        }
    });
}

fn number(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}
