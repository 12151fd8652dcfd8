//! The ids of the entries of a stream.

use std::fmt;

/// The id of an entry of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::redis) struct StreamId {
    ms: u64,
    number: u64,
}

impl StreamId {
    pub(in crate::redis) fn parse(text: &[u8]) -> Option<Self> {
        let (ms, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { ms: ms.parse().ok()?, number: number.parse().ok()? })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_ids_are_ordered_by_their_numbers_not_their_text() {
        let ids = ["0-0", "9-1", "9-12", "10-0"].map(|text| StreamId::parse(text.as_bytes()));
        assert!(ids.is_sorted() && ids.iter().all(Option::is_some), "{ids:?}");
        assert_eq!(ids[2].map(|id| id.to_string()).as_deref(), Some("9-12"));
        assert_eq!([StreamId::parse(b"9"), StreamId::parse(b"a-b"), StreamId::parse(b"")], [None; 3]);
    }
}
