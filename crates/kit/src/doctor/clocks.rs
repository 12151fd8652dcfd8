//! Clocks that must agree.

use std::time::Duration;

use madang_domain::Timestamp;

use super::Finding;

/// Beyond this, tokens and tickets seem to be of the future, or to live shorter than they do.
const NOTABLE: Duration = Duration::from_secs(1);

/// Beyond this, two replicas may disagree about the order of times: what a transaction writes is at most 10 s older than
/// its commit, of which the call itself takes up to 6 s.
const HARMFUL: Duration = Duration::from_secs(4);

/// Compares this host's clock with the one of `other`, which was asked at `asked` and had answered at `answered`.
#[must_use]
pub fn clock(
    check: &'static str,
    about: &'static str,
    asked: Timestamp,
    answered: Timestamp,
    other: Timestamp,
) -> Finding {
    let trip = answered.as_micros().saturating_sub(asked.as_micros()).max(0);
    let middle = asked.as_micros().saturating_add(trip / 2);
    let difference = other.as_micros().saturating_sub(middle);
    // The answer was made at some moment of the trip; what is within it is no difference.
    let certain = Duration::from_micros(difference.unsigned_abs().saturating_sub(trip.unsigned_abs() / 2));
    let says = format!(
        "its clock is {:.3} s {} this host's, give or take {:.3} s",
        Duration::from_micros(difference.unsigned_abs()).as_secs_f64(),
        if difference < 0 { "behind" } else { "ahead of" },
        Duration::from_micros(trip.unsigned_abs() / 2).as_secs_f64(),
    );
    let advice = "let all hosts follow one time server (chrony, systemd-timesyncd): `timedatectl` shows whether this one does";
    if certain > HARMFUL {
        Finding::error(check, about, says, advice)
    } else if certain > NOTABLE {
        Finding::warning(check, about, says, advice)
    } else {
        Finding::ok(check, about, says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn what_the_trip_may_hide_is_no_difference() {
        let at = |millis: i64| Timestamp::from_micros(millis * 1_000);
        let level = |asked, answered, other| clock("c", "C", at(asked), at(answered), at(other)).level;
        assert_eq!(level(0, 10, 5), Level::Ok);
        assert_eq!(level(0, 10, 1_000), Level::Ok);
        assert_eq!(level(0, 10, 2_000), Level::Warning);
        assert_eq!(level(0, 10, -2_000), Level::Warning);
        assert_eq!(
            level(0, 4_000, 4_500),
            Level::Ok,
            "somewhere within four seconds, and half a second more"
        );
        assert_eq!(level(0, 10, 60_000), Level::Error);
        assert!(clock("c", "C", at(0), at(10), at(-60_000)).says.contains("60.005 s behind"));
    }
}
