//! What a session's commands know of it.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use madang_contract::{self as frames, RequestId, ServerFrame, WireFrame};
use madang_domain::{ConnectionId, Error, RoomId, SessionId, Timestamp, TopicId};
use madang_rpc::{
    auth::{Identity, Voucher},
    event::Profile,
};

use super::{close::Close, outbox::Outbox};
use crate::{budget::UserBudget, edge::Edge, format::Format, hub::Listener};

/// One socket's identity, queue and subscriptions.
pub(crate) struct SessionContext {
    pub(crate) edge: Arc<Edge>,
    pub(crate) me: Arc<Profile>,
    pub(crate) session: SessionId,
    /// When the credential was made that the socket was opened with.
    pub(crate) issued_at: Timestamp,
    pub(crate) vouched_by: Voucher,
    pub(crate) connection: ConnectionId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) budget: Arc<UserBudget>,
    /// How its hubs speak to it.
    pub(crate) format: Format,
    rooms: Mutex<HashSet<RoomId>>,
    /// How many times the inbox began to be followed.
    inbox_times: AtomicU32,
}

impl SessionContext {
    pub(crate) fn new(edge: Arc<Edge>, identity: Identity, budget: Arc<UserBudget>, format: Format) -> Self {
        let connection = edge.connections.next_id();
        let outbox = Arc::new(Outbox::new(edge.settings.queue_max_bytes, edge.connections.tick()));
        outbox.set_expiry(identity.expires_at);
        Self {
            edge,
            me: Arc::new(identity.profile),
            session: identity.session,
            issued_at: identity.issued_at,
            vouched_by: identity.vouched_by,
            connection,
            outbox,
            budget,
            format,
            rooms: Mutex::default(),
            inbox_times: AtomicU32::new(0),
        }
    }

    /// Queues a frame for this socket.
    pub(crate) fn push(&self, frame: &ServerFrame<'_>) {
        self.outbox.push(WireFrame::json(frame));
    }

    /// Tells the client that a request was refused.
    pub(crate) fn refuse(&self, re: Option<RequestId>, error: &Error) {
        self.push(&ServerFrame::Error(frames::ErrorFrame {
            re,
            code: error.code,
            message: error.message.as_ref().into(),
            retry_after_ms: error.retry_after_ms(),
        }));
    }

    /// The socket, as hubs know it.
    pub(crate) fn listener(&self) -> Listener {
        Listener {
            connection: self.connection,
            user: self.me.id,
            outbox: Arc::clone(&self.outbox),
            format: self.format,
            scene: None,
        }
    }

    /// The rooms that this socket listens to.
    pub(crate) fn rooms(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        // No code that can panic runs under the lock.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The inbox is about to be followed; says which time this is.
    pub(crate) fn begin_inbox(&self) -> u32 {
        self.inbox_times.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The time that counts: of an earlier one nothing more is said.
    pub(crate) fn inbox_time(&self) -> u32 {
        self.inbox_times.load(Ordering::Relaxed)
    }

    /// Leaves every hub.
    pub(crate) async fn leave_all(&self) {
        if self.inbox_time() > 0 {
            self.edge.hubs.detach(TopicId::Inbox(self.me.id), self.connection).await;
        }
        let rooms = std::mem::take(&mut *self.rooms());
        for room in rooms {
            self.edge.hubs.detach(room.into(), self.connection).await;
        }
    }
}

impl Drop for SessionContext {
    /// What is left of the socket in a hub, where a handshake ended early, is for nobody.
    fn drop(&mut self) {
        self.outbox.close(Close::Gone);
    }
}
