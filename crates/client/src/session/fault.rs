//! Defects of the server that a session sees, and its own end.

use madang_domain::{RoomId, Seq};

/// What must not happen. The session heals what it can (it pages history over a gap) and says so all the
/// same, for such a thing is a defect of the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Events are missing on a connection, or in a page of history.
    #[error("gap in {room}: expected {expected}, got {got}")]
    Gap {
        /// Where.
        room: RoomId,
        /// The place that should have come.
        expected: Seq,
        /// The place that came.
        got: Seq,
    },
    /// An event came again on one connection, or out of order.
    #[error("repeat in {room}: {got} after {last}")]
    Repeat {
        /// Where.
        room: RoomId,
        /// The last place that had come.
        last: Seq,
        /// The place that came.
        got: Seq,
    },
    /// A replay does not begin at the cursor.
    #[error("replay in {room} from {from}, though {cursor} was asked for")]
    WrongStart {
        /// Where.
        room: RoomId,
        /// The cursor that was sent.
        cursor: Seq,
        /// Where the server says it begins.
        from: Seq,
    },
    /// History ends before the place that the server has named as its head.
    #[error("history of {room} ends at {at}, before {head}")]
    HistoryShort {
        /// Where.
        room: RoomId,
        /// The last place that could be had.
        at: Seq,
        /// The place that exists.
        head: Seq,
    },
    /// Notices are missing on a connection.
    #[error("gap in the inbox: expected {expected}, got {got}")]
    InboxGap {
        /// The place that should have come.
        expected: Seq,
        /// The place that came.
        got: Seq,
    },
    /// A notice came again on one connection, or out of order.
    #[error("repeat in the inbox: {got} after {last}")]
    InboxRepeat {
        /// The last place that had come.
        last: Seq,
        /// The place that came.
        got: Seq,
    },
    /// The session has ended, for a reason that another try would not cure; nothing follows.
    #[error("the session has ended: {0}")]
    Ended(String),
}
