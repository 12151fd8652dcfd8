//! What a session tells.

use std::time::Duration;

use madang_contract::{Hello, Inbox, ServerFrame};
use madang_domain::{Code, Epoch, RoomId, Seq};

use crate::socket::{Close, InboxNotice, RoomEvent};

/// What a session tells.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionEvent {
    /// A socket is open; subscriptions are on their way.
    Connected(Hello<'static>),
    /// The socket is lost.
    Disconnected {
        /// How.
        close: Close,
        /// When the next one is tried.
        retry_in: Duration,
    },
    /// Something happened in a room: the one after the last that was handed out.
    Event(RoomEvent),
    /// What was missed in a room has been handed out.
    CaughtUp {
        /// Where.
        room: RoomId,
        /// Up to where.
        seq: Seq,
    },
    /// The room's log is another one than the cursor belongs to (a database was restored). What was
    /// learnt of the room is void; events go on after `from`.
    Reset {
        /// Where.
        room: RoomId,
        /// The history now.
        epoch: Epoch,
        /// The place after which events follow.
        from: Seq,
    },
    /// A room that was subscribed to is open no more.
    RoomClosed {
        /// Which.
        room: RoomId,
        /// Why.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// The user's inbox is followed, and stands so.
    Inbox {
        /// As the server said it.
        stands: Inbox,
        /// More was missed than is replayed, or cannot be known: `GET /v1/inbox` has it.
        missed: bool,
    },
    /// Something that concerns the user alone: the one after the last that was handed out.
    Notice(InboxNotice),
    /// Something that is not in a log: `read`, `typing`, `presence`, `profile`.
    Ephemeral(ServerFrame<'static>),
}
