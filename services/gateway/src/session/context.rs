//! The state of one session: its user, its queue and its subscriptions.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use madang_contract::{ServerFrame, WireFrame};
use madang_domain::{Authority, ConnectionId, Profile, RoomId, SessionId, Timestamp, TopicId};
use madang_rpc::auth::{CredentialIssuer, Identity};

use super::sockets::Sockets;
use crate::{
    admission::{Actor, UserUsage},
    connections::Registered,
    formats::Format,
    hub::Listener,
    outbox::{Close, Outbox},
};

/// One socket's identity, queue and subscriptions.
pub(crate) struct SessionContext {
    pub(crate) sockets: Arc<Sockets>,
    /// The user, as the token describes the user.
    pub(crate) me: Arc<Profile>,
    /// The signed-in device.
    pub(crate) session: SessionId,
    /// When the credential was issued with which the socket was opened.
    pub(crate) issued_at: Timestamp,
    /// Who issued that credential.
    pub(crate) issuer: CredentialIssuer,
    pub(crate) connection: ConnectionId,
    pub(crate) outbox: Arc<Outbox>,
    /// What the user has used of the user's limits.
    pub(crate) usage: Arc<UserUsage>,
    /// From where the socket came.
    address: Option<IpAddr>,
    /// How hubs write this socket's frames.
    pub(crate) format: Format,
    rooms: Mutex<HashSet<RoomId>>,
    /// How many times the session began to follow the inbox.
    inbox_follows: AtomicU32,
}

impl SessionContext {
    pub(crate) fn new(
        sockets: Arc<Sockets>,
        identity: Identity,
        usage: Arc<UserUsage>,
        address: Option<IpAddr>,
        format: Format,
    ) -> Self {
        let connection = sockets.connections.next_id();
        let outbox = Arc::new(Outbox::new(sockets.settings.queue_max_bytes, sockets.connections.tick()));
        outbox.set_expiry(identity.expires_at);
        Self {
            sockets,
            me: Arc::new(identity.profile),
            session: identity.session,
            issued_at: identity.issued_at,
            issuer: identity.issuer,
            connection,
            outbox,
            usage,
            address,
            format,
            rooms: Mutex::default(),
            inbox_follows: AtomicU32::new(0),
        }
    }

    /// The user as one who does something by this socket.
    pub(crate) fn actor(&self) -> Actor {
        let (profile, usage) = (Arc::clone(&self.me), Some(Arc::clone(&self.usage)));
        Actor { profile, usage, address: self.address, authority: Authority::User }
    }

    /// The user's profile as it is now, which may be later than the one of the token.
    pub(crate) fn profile(&self) -> Arc<Profile> {
        self.usage.present(&self.me)
    }

    /// Queues a frame for this socket.
    pub(crate) fn push(&self, frame: &ServerFrame<'_>) {
        self.outbox.push(WireFrame::json(frame));
    }

    /// Queues a frame for this socket once what waits for it leaves room for that.
    pub(crate) async fn push_when_it_fits(&self, frame: &ServerFrame<'_>) {
        let frame = WireFrame::json(frame);
        self.outbox.room_for(frame.len()).await;
        self.outbox.push(frame);
    }

    /// The socket as hubs know it.
    pub(crate) fn listener(&self) -> Listener {
        Listener {
            connection: self.connection,
            user: self.me.id,
            outbox: Arc::clone(&self.outbox),
            format: self.format,
            room_context: None,
        }
    }

    /// The socket as the registry of sockets knows it.
    pub(super) fn registered(&self) -> Registered {
        Registered {
            session: self.session,
            user: self.me.id,
            issued_at: self.issued_at,
            outbox: Arc::clone(&self.outbox),
            format: self.format,
        }
    }

    /// The rooms that this socket subscribes to.
    pub(crate) fn rooms(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        // A poisoned lock is used on, since no code under it can panic.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session begins to follow the inbox; answers the number of this time.
    pub(crate) fn begin_inbox(&self) -> u32 {
        self.inbox_follows.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of the last time that the session began to follow the inbox. An earlier one delivers nothing more.
    pub(crate) fn inbox_follow(&self) -> u32 {
        self.inbox_follows.load(Ordering::Relaxed)
    }

    /// Ends every subscription of the socket.
    pub(crate) async fn leave_all(&self) {
        if self.inbox_follow() > 0 {
            self.sockets.hubs.detach(TopicId::Inbox(self.me.id), self.connection).await;
        }
        let rooms = std::mem::take(&mut *self.rooms());
        for room in rooms {
            self.sockets.hubs.detach(room.into(), self.connection).await;
        }
    }
}

impl Drop for SessionContext {
    /// If a handshake ended early, hubs may still hold the outbox, but nobody reads it any more.
    fn drop(&mut self) {
        self.outbox.close(Close::Gone);
    }
}
