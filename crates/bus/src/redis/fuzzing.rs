//! The reading of a gateway stream, for the fuzz target in `tests/fuzz`.
//!
//! The bus itself does not use this module, and it is no part of the crate's interface.

use redis::Value;

use super::entries::{StreamEntry, decode};

/// One entry: its id, and its fields and values as the bus writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The id.
    pub id: Vec<u8>,
    /// A field, its value, the next field, and so on.
    pub fields: Vec<Vec<u8>>,
}

/// Reads the entries of an answer to `XREAD` of one stream; none where the bus did not write all of them.
#[must_use]
pub fn stream_entries(entries: Vec<Entry>) -> Option<Vec<Entry>> {
    let entries = entries.into_iter().map(|Entry { id, fields }| {
        let fields = fields.into_iter().map(Value::BulkString).collect();
        Value::Array(vec![Value::BulkString(id), Value::Array(fields)])
    });
    let stream = vec![Value::BulkString(b"stream".to_vec()), Value::Array(entries.collect())];
    let entries = decode(Value::Array(vec![Value::Array(stream)])).ok()?;
    Some(
        entries
            .into_iter()
            .map(|(id, entry)| Entry { id: id.to_string().into(), fields: written(entry) })
            .collect(),
    )
}

/// The fields of an entry, as `keys.rs` and the scripts write them.
fn written(entry: StreamEntry) -> Vec<Vec<u8>> {
    match entry {
        StreamEntry::Published(entry) => vec![b"e".to_vec(), entry.to_vec()],
        StreamEntry::Presence(changes) => {
            let changes = changes.into_iter().flat_map(|change| {
                let sign = if change.on { '+' } else { '-' };
                let texts =
                    [change.topic.to_string(), change.user.to_string(), format!("{sign}{}", change.count)];
                texts.map(String::into_bytes).into_iter().chain([change.profile.to_vec()])
            });
            [b"c".to_vec(), Vec::new()].into_iter().chain(changes).collect()
        }
        StreamEntry::PeerGone(gateway) => vec![b"g".to_vec(), gateway.to_string().into()],
        StreamEntry::PeerDropped => vec![b"d".to_vec()],
        StreamEntry::Probe { nonce, added } => {
            vec![b"p".to_vec(), nonce.to_string().into(), b"n".to_vec(), added.to_string().into()]
        }
    }
}
