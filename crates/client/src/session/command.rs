//! What the handles ask of the actor.

use madang_contract::ClientFrame;
use madang_domain::{Cursor, RoomId};
use tokio::sync::oneshot;

use super::{SubscribeError, outbox::Unsent};

pub(super) enum Command {
    Subscribe {
        room: RoomId,
        since: Option<Cursor>,
        reply: oneshot::Sender<Result<Cursor, SubscribeError>>,
    },
    Unsubscribe {
        room: RoomId,
    },
    Send(Unsent),
    /// A frame that needs no repeating: what it says is void when the connection is.
    Tell(ClientFrame),
    Cursor {
        room: RoomId,
        reply: oneshot::Sender<Option<Cursor>>,
    },
    InboxCursor {
        reply: oneshot::Sender<Option<Cursor>>,
    },
    Renew {
        token: String,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}
