//! The entries of a gateway's stream in Redis: one a line, the id and the fields between tabs.

use madang_bus::redis::fuzzing::{Entry, stream_entries};

pub(crate) fn check(input: &[u8]) {
    let entries = input.split(|byte| *byte == b'\n').map(|line| {
        let mut parts = line.split(|byte| *byte == b'\t').map(<[u8]>::to_vec);
        Entry { id: parts.next().unwrap_or_default(), fields: parts.collect() }
    });
    let entries: Vec<Entry> = entries.collect();
    let Some(read) = stream_entries(entries.clone()) else { return };
    assert_eq!(read.len(), entries.len());
    // Written as the bus writes it, it is read as it was.
    assert_eq!(stream_entries(read.clone()), Some(read));
}
