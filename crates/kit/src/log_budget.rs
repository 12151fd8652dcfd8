//! A bound for log lines that strangers cause.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use madang_domain::Timestamp;
use madang_flow_control::{RateBucket, RateLimit};

/// Lines in a burst, and in a second after it: enough to see an attack, too few to fill a disk.
const LINES: RateLimit = RateLimit { interval: Duration::from_millis(50), burst: 200 };

/// The characters of a text of strangers that a line shows.
const SHOWN_MAX_CHARS: usize = 64;

/// Bounds the lines of one kind. What is left out is counted, and the next line that is written says how many.
#[derive(Debug, Default)]
pub struct LogBudget {
    lines: RateBucket,
    left_out: AtomicU64,
}

impl LogBudget {
    /// Whether to write a line now; if so, how many were left out since the last one.
    pub fn take(&self, now: Timestamp) -> Option<u64> {
        let now = u64::try_from(now.as_micros()).unwrap_or(0);
        if self.lines.take(LINES, now).is_err() {
            self.left_out.fetch_add(1, Relaxed);
            return None;
        }
        Some(self.left_out.swap(0, Relaxed))
    }
}

/// A text of a stranger for a log line: its first characters, with control characters and invisible ones escaped, so that it
/// cannot begin a line of its own or steer a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(SHOWN_MAX_CHARS) {
            write!(f, "{}", c.escape_debug())?;
        }
        if self.0.chars().nth(SHOWN_MAX_CHARS).is_some() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_what_is_left_out_is_told() {
        let budget = LogBudget::default();
        let now = Timestamp::from_micros(1_000_000_000_000);
        for _ in 0..LINES.burst {
            assert_eq!(budget.take(now), Some(0));
        }
        for _ in 0..1_000 {
            assert_eq!(budget.take(now), None);
        }
        assert_eq!(budget.take(now.plus(LINES.interval)), Some(1_000));
        assert_eq!(budget.take(now.plus(LINES.interval * 2)), Some(0));
    }

    #[test]
    fn a_text_cannot_begin_a_line_or_steer_a_terminal() {
        assert_eq!(Escaped("mina").to_string(), "mina");
        assert_eq!(Escaped("민아").to_string(), "민아");
        let forged = Escaped("a\nINFO signed in\u{1b}[2J\u{202e}").to_string();
        assert_eq!(forged, r"a\nINFO signed in\u{1b}[2J\u{202e}");
        assert_eq!(Escaped(&"x".repeat(100)).to_string(), format!("{}…", "x".repeat(SHOWN_MAX_CHARS)));
    }
}
