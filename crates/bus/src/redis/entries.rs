//! The entries of a gateway stream, and how they are decoded from an `XREAD` reply without a copy.

use bytes::Bytes;
use madang_domain::{GatewayId, TopicId, UserId};
use redis::Value;

use super::scripts::StreamId;
use crate::presence::PresenceChange;

/// One entry of a gateway stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StreamEntry {
    /// An entry that another gateway published.
    Published(Bytes),
    /// Users entered or left topics.
    Presence(Vec<PresenceChange>),
    /// A gateway died.
    PeerGone(GatewayId),
    /// A gateway dropped entries that it should have published.
    PeerDropped,
    /// This gateway's own probe, and how many entries were appended to the stream up to it.
    Probe { nonce: u64, added: u64 },
}

/// A reply with entries that the bus did not write.
#[derive(Debug, thiserror::Error)]
#[error("a gateway stream contains an entry that the bus did not write")]
pub(super) struct UnexpectedReply;

/// The entries of a reply to `XREAD` of one stream; none where the wait ended without an entry.
pub(super) fn decode(reply: Value) -> Result<Vec<(StreamId, StreamEntry)>, UnexpectedReply> {
    // RESP 2: [[key, [[id, [field, value, …]], …]]], or nil.
    let streams = match reply {
        Value::Nil => return Ok(Vec::new()),
        other => array(other)?,
    };
    let Some(stream) = streams.into_iter().next() else { return Ok(Vec::new()) };
    let mut stream = array(stream)?.into_iter();
    let (Some(_key), Some(entries)) = (stream.next(), stream.next()) else { return Err(UnexpectedReply) };
    array(entries)?.into_iter().map(decode_entry).collect()
}

fn decode_entry(entry: Value) -> Result<(StreamId, StreamEntry), UnexpectedReply> {
    let mut entry = array(entry)?.into_iter();
    let (Some(id), Some(fields)) = (entry.next(), entry.next()) else { return Err(UnexpectedReply) };
    let id = StreamId::parse(&bulk(id)?).ok_or(UnexpectedReply)?;
    let mut fields = array(fields)?.into_iter().map(bulk);
    let mut next = || fields.next().unwrap_or(Err(UnexpectedReply));
    let stream_entry = match next()?.as_slice() {
        // The parser's buffer becomes the entry: no copy.
        b"e" => StreamEntry::Published(Bytes::from(next()?)),
        b"c" => {
            next()?;
            let mut changes = Vec::new();
            while let Some(topic) = fields.next() {
                let (topic, mut field) = (parse(&topic?)?, || fields.next().unwrap_or(Err(UnexpectedReply)));
                changes.push(decode_change(topic, &field()?, &field()?, field()?)?);
            }
            StreamEntry::Presence(changes)
        }
        b"g" => StreamEntry::PeerGone(parse(&next()?)?),
        b"d" => StreamEntry::PeerDropped,
        b"p" => {
            let nonce = parse(&next()?)?;
            next()?;
            StreamEntry::Probe { nonce, added: parse(&next()?)? }
        }
        _ => return Err(UnexpectedReply),
    };
    Ok((id, stream_entry))
}

/// The sign comes before the count: `+17`.
fn decode_change(
    topic: TopicId,
    user: &[u8],
    sign: &[u8],
    profile: Vec<u8>,
) -> Result<PresenceChange, UnexpectedReply> {
    let user: UserId = parse(user)?;
    let (on, count) = match sign {
        [b'+', count @ ..] => (true, parse(count)?),
        [b'-', count @ ..] => (false, parse(count)?),
        _ => return Err(UnexpectedReply),
    };
    Ok(PresenceChange { topic, user, profile: Bytes::from(profile), on, count })
}

fn array(value: Value) -> Result<Vec<Value>, UnexpectedReply> {
    if let Value::Array(values) = value { Ok(values) } else { Err(UnexpectedReply) }
}

fn bulk(value: Value) -> Result<Vec<u8>, UnexpectedReply> {
    if let Value::BulkString(bytes) = value { Ok(bytes) } else { Err(UnexpectedReply) }
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Result<T, UnexpectedReply> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(UnexpectedReply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn reply(entries: Vec<Value>) -> Value {
        Value::Array(vec![Value::Array(vec![text("stream"), Value::Array(entries)])])
    }

    fn entry(id: &str, fields: &[&str]) -> Value {
        Value::Array(vec![text(id), Value::Array(fields.iter().copied().map(text).collect())])
    }

    #[test]
    fn each_kind_of_entry_is_decoded() {
        let gateway = "00000000-0000-0000-0000-000000000001";
        let topic = "room:00000000-0000-0000-0000-000000000002";
        let change = |on, count, profile| PresenceChange {
            topic: topic.parse().unwrap(),
            user: gateway.parse().unwrap(),
            profile: Bytes::from_static(profile),
            on,
            count,
        };
        let entries = decode(reply(vec![
            entry("1-0", &["e", "hello"]),
            entry("1-1", &["g", gateway]),
            entry("1-2", &["d", gateway]),
            entry("2-0", &["p", "7", "n", "4"]),
            entry("2-1", &["c", "", topic, gateway, "+2", "profile", topic, gateway, "-1", ""]),
        ]));
        let entries: Vec<StreamEntry> = entries.unwrap().into_iter().map(|(_, entry)| entry).collect();
        let expected = [
            StreamEntry::Published(Bytes::from_static(b"hello")),
            StreamEntry::PeerGone(gateway.parse().unwrap()),
            StreamEntry::PeerDropped,
            StreamEntry::Probe { nonce: 7, added: 4 },
            StreamEntry::Presence(vec![change(true, 2, b"profile"), change(false, 1, b"")]),
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn an_empty_reply_has_no_entries_and_a_foreign_one_is_refused() {
        assert!(decode(Value::Nil).unwrap().is_empty());
        for foreign in [
            Value::Okay,
            reply(vec![entry("x", &["e", "hello"])]),
            reply(vec![entry("1-0", &["z", "hello"])]),
            reply(vec![entry("1-0", &["p", "7"])]),
            reply(vec![entry("1-0", &["g", "nobody"])]),
            reply(vec![entry("1-0", &["c", "", "room:x"])]),
        ] {
            assert!(decode(foreign).is_err());
        }
    }
}
