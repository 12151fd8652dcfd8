//! Times in tokens.

use std::time::Duration;

use madang_domain::Timestamp;

/// How far the clocks of two machines may differ (RFC 8725 asks for a small leeway, ASVS for 60 s at most).
pub(super) const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Converts a token's time, in whole seconds since 1970.
pub(super) const fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}
