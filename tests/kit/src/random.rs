//! Names, passwords and ports that nobody else has. Not injected: what a test is kept apart by must differ in each run.

use std::ops::Range;

use rand::RngExt as _;
use rand::rngs::ThreadRng;

#[expect(
    clippy::disallowed_methods,
    reason = "isolation needs real randomness, also between two runs of a seed"
)]
fn source() -> ThreadRng {
    rand::rng()
}

/// 128 random bits, as 32 hexadecimal digits.
pub(crate) fn random_hex() -> String {
    format!("{:032x}", source().random::<u128>())
}

/// A number of the range.
pub(crate) fn random_in(range: Range<u16>) -> u16 {
    source().random_range(range)
}

/// A prefix for Redis keys, or any other name, that no other test uses: `test-` and 16 hexadecimal digits.
#[must_use]
pub fn unique_prefix() -> String {
    format!("test-{:016x}", source().random::<u64>())
}
