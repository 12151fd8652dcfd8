//! Unread, by arithmetic.
//!
//! No row is written per recipient, and none is counted to say how many messages a member has not read.
//! Four numbers say it, two of the room and the member's place in it, two of the member's own messages; and what was
//! deleted is not unread:
//!
//! | number | column | what |
//! | --- | --- | --- |
//! | `messages` | `rooms.messages` | how many messages the room has |
//! | `read_ordinal` | `members.read_ordinal` | how many of them lie up to the member's read mark |
//! | `sent` | `members.sent` | how many messages the member has sent since joining |
//! | `read_sent` | `members.read_sent` | how many of those lie up to the read mark |
//!
//! After the mark lie `messages − read_ordinal` messages, of which `sent − read_sent` are the member's own,
//! and those are not unread to the one who wrote them:
//!
//! ```text
//! unread = (messages − read_ordinal) − (sent − read_sent) − deleted
//! ```
//!
//! `deleted` is how many messages of others after the mark were deleted: the rows of `deletions` there, since a
//! deletion may be anywhere and changes no other number. A message keeps its ordinal when it is deleted.
//!
//! - An append adds to `messages` and to its sender's `sent`, under the room's lock.
//! - A new member starts read at the head: `read_ordinal = messages`, `sent = read_sent = 0`. What the same
//!   user sent in an earlier membership lies before the mark, and is not counted twice.
//! - A mark moved to an event takes that event's `ordinal` as `read_ordinal`. Its `read_sent` is `sent`
//!   where the member has sent nothing after the mark (`sent_seq`), which is nearly always; otherwise the
//!   member's own messages between the old mark and the new one are counted.

/// The four numbers, and how many messages of others were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) messages: i64,
    pub(crate) read_ordinal: i64,
    pub(crate) sent: i64,
    pub(crate) read_sent: i64,
    pub(crate) deleted: i64,
}

impl Counts {
    /// The messages of others after the read mark.
    pub(crate) fn unread(self) -> u64 {
        let after_mark = self.messages - self.read_ordinal;
        let own_after_mark = self.sent - self.read_sent;
        u64::try_from(after_mark - own_after_mark - self.deleted).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_messages_are_not_unread() {
        // Ten messages, six up to the mark; of five own ones two up to the mark, three after it.
        assert_eq!(Counts { messages: 10, read_ordinal: 6, sent: 5, read_sent: 2, deleted: 0 }.unread(), 1);
        assert_eq!(Counts { messages: 10, read_ordinal: 10, sent: 5, read_sent: 5, deleted: 0 }.unread(), 0);
    }
}
