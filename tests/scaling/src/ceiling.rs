//! The highest rate that a part sustains.

use crate::simulation::{Setup, play};

/// Whoever is done so much later than messages came, of the time in which they came, does not keep up. Chance alone makes
/// it less.
const LAG_MAX: f64 = 0.01;

/// Between these rates the ceiling is looked for.
const RATES: (u64, u64) = (1_000, 4_000_000);

/// Halvings of the range, as a ratio: to 0.4 %.
const HALVINGS: u32 = 11;

/// The highest rate of messages at which the setup keeps up.
#[must_use]
pub fn ceiling(setup: &Setup) -> u64 {
    let keeps_up = |rate: u64| play(&Setup { rate, ..*setup }).lag <= LAG_MAX;
    let (mut low, mut high) = RATES;
    for _ in 0..HALVINGS {
        let middle = (low * high).isqrt();
        if keeps_up(middle) { low = middle } else { high = middle }
    }
    low
}
