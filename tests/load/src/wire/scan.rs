//! The few bytes of a server's frame that the generator needs, found without parsing its JSON.
//!
//! A quotation mark inside a JSON string is written `\"`. So a pattern of the form `"name":` matches only a
//! member with that name, never a message's text.

use memchr::memmem::Finder;

/// What a server's frame says, as far as the generator cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFrame<'a> {
    /// The credential was taken.
    Hello,
    /// A subscription's replay is done; events after `seq` follow.
    CaughtUp {
        /// The last place of the log that the socket need not expect.
        seq: u64,
    },
    /// A durable thing that happened.
    Event {
        /// Its place in the room's log.
        seq: u64,
        /// When the message was to be sent, in the sender's clock; none where the generator did not send it.
        scheduled_us: Option<u64>,
    },
    /// A send was committed.
    Ack {
        /// The number that the generator gave to the send.
        re: u64,
        /// The place that it got.
        seq: u64,
    },
    /// A request was refused.
    Error {
        /// The number of the request, where it is about one.
        re: Option<u64>,
        /// Why, as a code of the contract.
        code: &'a str,
    },
    /// Something that the load does not depend on.
    Other,
}

/// The prefix of the text of a generated message. The time and a space follow, then padding.
const STAMP_PREFIX: &str = "t=";
/// Every generated text has one length, whatever the time: a microsecond count of 12 digits lasts 11 days.
const STAMP_DIGITS: usize = 12;

/// Appends the text of a message that is to be sent at `scheduled_us`, of `bytes` in all.
pub fn write_stamped_text(scheduled_us: u64, bytes: usize, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let start = out.len();
    // Writing to a vector cannot fail.
    let _ = write!(out, "{STAMP_PREFIX}{scheduled_us:0STAMP_DIGITS$} ");
    out.resize(out.len().max(start + bytes), b'x');
}

/// Finds the fields. Building a searcher costs more than a search, hence one value for all frames.
#[derive(Debug)]
pub struct Scanner {
    kind: Finder<'static>,
    seq: Finder<'static>,
    stamp: Finder<'static>,
    re: Finder<'static>,
    code: Finder<'static>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            kind: Finder::new(b"\"type\":\""),
            seq: Finder::new(b"\"seq\":"),
            stamp: Finder::new(b"\"text\":\"t="),
            re: Finder::new(b"\"re\":\""),
            code: Finder::new(b"\"code\":\""),
        }
    }
}

impl Scanner {
    /// Parses a text frame. A frame that lacks a field of its type is [`ServerFrame::Other`]. So a broken
    /// server shows as missing answers, not as a panic of the benchmark.
    #[must_use]
    pub fn scan<'a>(&self, frame: &'a [u8]) -> ServerFrame<'a> {
        self.scan_known(frame).unwrap_or(ServerFrame::Other)
    }

    fn scan_known<'a>(&self, frame: &'a [u8]) -> Option<ServerFrame<'a>> {
        let number = |field: &Finder<'_>| leading_number(after(field, frame)?);
        Some(match leading_name(after(&self.kind, frame)?)? {
            b"event" => ServerFrame::Event { seq: number(&self.seq)?, scheduled_us: number(&self.stamp) },
            b"ack" => ServerFrame::Ack { re: number(&self.re)?, seq: number(&self.seq)? },
            b"caught_up" => ServerFrame::CaughtUp { seq: number(&self.seq)? },
            b"hello" => ServerFrame::Hello,
            b"error" => {
                let code = leading_name(after(&self.code, frame)?)?;
                ServerFrame::Error { re: number(&self.re), code: std::str::from_utf8(code).ok()? }
            }
            _ => return None,
        })
    }
}

fn after<'a>(field: &Finder<'_>, frame: &'a [u8]) -> Option<&'a [u8]> {
    field.find(frame).map(|at| &frame[at + field.needle().len()..])
}

/// The word up to the closing quotation mark.
fn leading_name(bytes: &[u8]) -> Option<&[u8]> {
    memchr::memchr(b'"', bytes).map(|end| &bytes[..end])
}

fn leading_number(bytes: &[u8]) -> Option<u64> {
    let mut digits = bytes.iter().map_while(|byte| byte.checked_sub(b'0').filter(|digit| *digit <= 9));
    let first = u64::from(digits.next()?);
    digits.try_fold(first, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(frame: &str) -> ServerFrame<'_> {
        // The result borrows the frame, not the scanner.
        Scanner::default().scan(frame.as_bytes())
    }

    #[test]
    fn the_servers_frames_are_recognised() {
        assert_eq!(scan(r#"{"type":"hello","session":"s","heartbeat_ms":30000}"#), ServerFrame::Hello);
        assert_eq!(scan(r#"{"type":"caught_up","room":"r","seq":7}"#), ServerFrame::CaughtUp { seq: 7 });
        assert_eq!(
            scan(r#"{"type":"ack","re":"19","room":"r","key":"k","id":"i","seq":8,"at":"x"}"#),
            ServerFrame::Ack { re: 19, seq: 8 }
        );
        assert_eq!(
            scan(r#"{"type":"error","re":"19","code":"rate_limited","message":"slow down"}"#),
            ServerFrame::Error { re: Some(19), code: "rate_limited" }
        );
        assert_eq!(
            scan(r#"{"type":"error","code":"internal","message":"oh"}"#),
            ServerFrame::Error { re: None, code: "internal" }
        );
        assert_eq!(scan(r#"{"type":"pong"}"#), ServerFrame::Other);
        assert_eq!(scan("not json"), ServerFrame::Other);
    }

    #[test]
    fn a_stamp_is_read_back_from_the_text_it_was_written_to() {
        let mut text = Vec::new();
        write_stamped_text(1_234_567, 128, &mut text);
        assert_eq!(text.len(), 128);
        let text = String::from_utf8(text).unwrap();
        let event = format!(
            r#"{{"type":"event","room":"r","seq":42,"kind":"message","message":{{"text":"{text}"}}}}"#
        );
        assert_eq!(scan(&event), ServerFrame::Event { seq: 42, scheduled_us: Some(1_234_567) });
    }

    #[test]
    fn members_are_not_looked_for_inside_a_text() {
        let text = serde_json::to_string(r#""type":"ack" "seq":99 "text":"t=5"#).unwrap();
        let event = format!(r#"{{"message":{{"text":{text}}},"seq":3,"type":"event"}}"#);
        assert_eq!(scan(&event), ServerFrame::Event { seq: 3, scheduled_us: None });
    }

    #[test]
    fn a_frame_without_its_fields_or_with_an_impossible_number_is_other() {
        assert_eq!(scan(r#"{"type":"event","room":"r"}"#), ServerFrame::Other);
        assert_eq!(scan(r#"{"type":"caught_up","seq":}"#), ServerFrame::Other);
        assert_eq!(scan(r#"{"type":"caught_up","seq":99999999999999999999999}"#), ServerFrame::Other);
        assert_eq!(scan(r#"{"type":"eve"#), ServerFrame::Other);
    }
}
