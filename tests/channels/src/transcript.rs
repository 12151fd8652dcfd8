//! What a tab's socket said, and what of it is the same in two systems.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Minutes that a clock on the wire may differ from this machine's: a slow run crosses some.
const CLOCK_TOLERANCE_MIN: i64 = 5;
/// Minutes by which Seoul is ahead of UTC, all year.
const SEOUL_AHEAD_MIN: i64 = 9 * 60;
const HALF_DAY_MIN: i64 = 12 * 60;
const DAY_MIN: i64 = 2 * HALF_DAY_MIN;

/// One thing that a tab's socket said.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// The handshake is over.
    Opened,
    /// A frame came; `Value::String` where it is no JSON.
    Received(Value),
    /// The browser reports an error: it could not open the socket, or lost it.
    Error,
    /// The socket is closed.
    Closed {
        /// The code that the page sees.
        code: u16,
        /// Whether there was a closing handshake.
        clean: bool,
    },
    /// The page's own script failed.
    PageFailed(String),
}

/// An entry as the driver writes it.
#[derive(Debug, Deserialize)]
#[serde(tag = "event")]
pub(crate) enum Recorded {
    #[serde(rename = "opened")]
    Opened,
    #[serde(rename = "received")]
    Received { data: String },
    #[serde(rename = "error")]
    Error,
    #[serde(rename = "closed")]
    Closed { code: u16, clean: bool },
    #[serde(rename = "page failed")]
    PageFailed { error: String },
}

impl From<Recorded> for Entry {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Opened => Self::Opened,
            Recorded::Received { data } => {
                Self::Received(serde_json::from_str(&data).unwrap_or(Value::String(data)))
            }
            Recorded::Error => Self::Error,
            Recorded::Closed { code, clean } => Self::Closed { code, clean },
            Recorded::PageFailed { error } => Self::PageFailed(error),
        }
    }
}

impl Entry {
    /// Whether it is a frame with this text in this field.
    #[must_use]
    pub fn has(&self, field: &str, text: &str) -> bool {
        matches!(self, Self::Received(frame) if frame[field] == text)
    }

    /// Whether it says that the socket is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// The entry in one line, without what differs from one run to the next.
    #[must_use]
    pub fn normalised(&self) -> String {
        match self {
            Self::Opened => "opened".to_owned(),
            Self::Received(Value::Object(frame)) => format!("← {}", Value::Object(without_times(frame))),
            Self::Received(frame) => format!("← {frame}"),
            Self::Error => "error".to_owned(),
            Self::Closed { code, clean: true } => format!("closed {code}"),
            Self::Closed { code, clean: false } => format!("closed {code}, not clean"),
            Self::PageFailed(error) => format!("the page failed: {error}"),
        }
    }
}

/// What one tab heard, by its name in the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// As `mina, first tab`.
    pub tab: String,
    /// [`Entry::normalised`], in their order, and then what the page shows.
    pub lines: Vec<String>,
}

impl Transcript {
    /// The transcript of what a tab heard.
    #[must_use]
    pub fn of(tab: &str, entries: &[Entry], shown: &[String]) -> Self {
        let shown = shown.iter().map(|line| format!("shows {line}"));
        let lines = entries.iter().map(Entry::normalised).chain(shown).collect();
        Self { tab: tab.to_owned(), lines }
    }

    /// A table of this transcript and another's of the same tab; a line that is equal in both stands once.
    #[must_use]
    pub fn beside(&self, story: &str, other: &Self) -> String {
        let mut table = format!("{story} — {}\n", self.tab);
        for index in 0..self.lines.len().max(other.lines.len()) {
            let (this, that) = (self.lines.get(index), other.lines.get(index));
            let [this_text, that_text] = [this, that].map(|line| line.map_or("(nothing)", String::as_str));
            if this == that {
                let _ = writeln!(table, "  both       {this_text}");
            } else {
                let _ = writeln!(table, "  django     {this_text}\n  madang     {that_text}");
            }
        }
        table
    }
}

/// A time that is well formed, and now, is replaced by its name; any other stays, for a comparison to find.
fn without_times(frame: &Map<String, Value>) -> Map<String, Value> {
    let mut frame = frame.clone();
    for (field, value) in &mut frame {
        let Some(text) = value.as_str() else { continue };
        let now = match field.as_str() {
            "time" => is_seoul_now(text),
            "timestamp" | "at" => is_now(text),
            _ => false,
        };
        if now {
            *value = Value::String(format!("<{field}>"));
        }
    }
    frame
}

/// `오전 09:05` or `오후 11:40`, and about now.
fn is_seoul_now(text: &str) -> bool {
    let Some(shown_min) = minutes_of_day(text) else { return false };
    let now_min = (now_s() / 60 + SEOUL_AHEAD_MIN).rem_euclid(DAY_MIN);
    let apart_min = (now_min - shown_min).rem_euclid(DAY_MIN);
    apart_min.min(DAY_MIN - apart_min) <= CLOCK_TOLERANCE_MIN
}

fn minutes_of_day(text: &str) -> Option<i64> {
    let (half_day, clock) = text.split_once(' ')?;
    let (hour, minute) = clock.split_once(':')?;
    let two_digits = |text: &str| (text.len() == 2).then(|| text.parse::<i64>().ok()).flatten();
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let since_min = match half_day {
        "오전" => 0,
        "오후" => HALF_DAY_MIN,
        _ => return None,
    };
    // Twelve is the first hour of a half day.
    ((1..=12).contains(&hour) && (0..60).contains(&minute)).then_some(since_min + hour % 12 * 60 + minute)
}

/// ISO 8601 with an offset, and about now.
fn is_now(text: &str) -> bool {
    let timestamp: Result<jiff::Timestamp, _> = text.parse();
    timestamp.is_ok_and(|timestamp| (now_s() - timestamp.as_second()).abs() <= CLOCK_TOLERANCE_MIN * 60)
}

#[expect(clippy::disallowed_methods, reason = "the systems under test show the clock of the machine")]
fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_has_twelve_hours_and_two_half_days() {
        assert_eq!(minutes_of_day("오전 12:00"), Some(0));
        assert_eq!(minutes_of_day("오전 09:05"), Some(545));
        assert_eq!(minutes_of_day("오후 12:30"), Some(750));
        assert_eq!(minutes_of_day("오후 11:40"), Some(1420));
        for wrong in ["09:05", "오전 9:05", "오후 13:00", "오전 00:10", "AM 09:05", "오전 09:60"] {
            assert_eq!(minutes_of_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_a_time_that_is_now_is_left_out() {
        let frame = serde_json::json!({"time": "11:40", "timestamp": "2020-01-01T00:00:00Z", "message": "오전 09:05"});
        let Value::Object(frame) = frame else { panic!("an object") };
        assert_eq!(without_times(&frame), frame);
    }
}
