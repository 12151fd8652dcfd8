//! A session: one socket, from its authentication to its end.
//!
//! A session reads frames, lets its dialect execute requests one after another, and writes the frames of its
//! outbox. It makes no decisions about rooms: the store decides, and hubs push events into the outbox. The
//! dialect defines the frames and their meaning (`crate::dialects`).

mod context;
mod conversation;
mod replay;
mod socket;
mod sockets;
mod subscriptions;

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use madang_contract::WireFrame;
use tracing::debug;

pub(crate) use self::{
    context::SessionContext,
    conversation::{Dialect, RequestFuture},
    replay::Missed,
    socket::{Incoming, Socket},
    sockets::{SocketSettings, Sockets},
};
use crate::outbox::Close;

/// Runs an authenticated socket until it must close. Returns the reason and the unwritten frames, for
/// [`Socket::close`].
pub(crate) async fn hold<D: Dialect>(
    context: &Arc<SessionContext>,
    socket: &mut Socket,
    dialect: D,
) -> (Close, VecDeque<WireFrame>) {
    let sockets = &context.sockets;
    let _registration = sockets.connections.register(context.connection, context.registered());
    // A revocation or the drain may have happened between the verification and the registration.
    if sockets.revocations.end(context.session, context.me.id, context.issued_at) {
        context.outbox.close(Close::Revoked);
    } else if sockets.draining.load(Ordering::Acquire) {
        context.outbox.close(Close::Restart);
    }
    sockets.counters.sessions.add(1);
    let (close, unwritten) = conversation::converse(context, socket, dialect).await;
    sockets.counters.sessions.subtract(1);
    context.outbox.close(Close::Gone);
    Box::pin(context.leave_all()).await;
    match close {
        Close::TooSlow => sockets.counters.closed_slow.add(1),
        Close::Revoked => sockets.counters.closed_revoked.add(1),
        _ => {}
    }
    debug!(connection = %context.connection, reason = close.as_str(), "socket closed");
    (close, unwritten)
}
