//! A session: one socket, from its authentication to its end.
//!
//! A session reads frames, lets its dialect execute requests one after another, and writes the frames of its
//! outbox. It makes no decisions about rooms: the store decides, and hubs push events into the outbox. The
//! dialect defines the frames and their meaning (`crate::dialects`).

mod context;
mod conversation;
mod frames;
mod replay;
mod socket;
mod sockets;
mod subscriptions;

use std::sync::{Arc, atomic::Ordering};

use tracing::debug;

use self::conversation::{Ended, converse, finish_request};
pub(crate) use self::{
    context::SessionContext,
    conversation::{Dialect, RequestFuture},
    frames::{Frame, FrameReader},
    replay::Missed,
    socket::{CLOSE_PATIENCE, Incoming, Socket},
    sockets::{SocketSettings, Sockets},
};
use crate::outbox::Close;

/// Runs an authenticated socket to its end. When it must close, `leave` ends its subscriptions while the client gets the
/// close frame.
pub(crate) async fn hold<D: Dialect, F: Future<Output = ()> + Send>(
    context: &Arc<SessionContext>,
    mut socket: Socket,
    dialect: D,
    leave: impl FnOnce() -> F + Send,
) {
    let sockets = &context.sockets;
    let _registration = sockets.connections.register(context.connection, context.registered());
    // A revocation or the drain may have happened between the verification and the registration.
    if sockets.revocations.end(context.session, context.me.id, context.issued_at) {
        context.outbox.close(Close::Revoked);
    } else if sockets.draining.load(Ordering::Acquire) {
        context.outbox.close(Close::Restart);
    }
    sockets.counters.sessions.add(1);
    let Ended { close, unwritten, request, until } = converse(context, &mut socket, dialect).await;
    context.outbox.close(Close::Gone);
    sockets.counters.closed.add(close, 1);
    debug!(connection = %context.connection, reason = close.as_str(), "socket closes");
    // Boxed: an idle session must not hold the memory that only its close needs.
    Box::pin(async move {
        let finish = async {
            finish_request(request, until).await;
            sockets.counters.sessions.subtract(1);
            leave().await;
        };
        tokio::join!(socket.close(close, unwritten, until), finish)
    })
    .await;
}
