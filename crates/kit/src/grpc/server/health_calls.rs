//! The health checks of each connection: a watch lasts as long as its peer likes, so that they are counted by themselves.

use std::{
    collections::HashMap,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use http::{Request, Response};
use hyper::body::{Bytes, Frame, SizeHint};
use tonic::{Status, body::Body};

use super::peer::Peer;

/// The health checks that one connection may have open. A balanced client has one.
const PER_CONNECTION_MAX: u32 = 8;

/// How many each connection has, by its peer's address and port. There is an entry only for one that has some.
#[derive(Debug, Default)]
pub(super) struct HealthCalls {
    open: Mutex<HashMap<SocketAddr, u32>>,
}

/// One of a connection's health checks; dropping it gives the place up.
#[derive(Debug)]
pub(super) struct HealthCall {
    calls: Arc<HealthCalls>,
    /// None where the peer is not known.
    peer: Option<SocketAddr>,
}

impl HealthCalls {
    /// Counts one more; none where the connection has as many as it may.
    pub(super) fn hold(self: &Arc<Self>, request: &Request<Body>) -> Option<HealthCall> {
        let peer = request.extensions().get::<Peer>().and_then(|peer| peer.address);
        if let Some(peer) = peer {
            let mut open = self.open();
            let count = open.entry(peer).or_default();
            if *count >= PER_CONNECTION_MAX {
                return None;
            }
            *count += 1;
        }
        Some(HealthCall { calls: Arc::clone(self), peer })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SocketAddr, u32>> {
        // No code under the lock can panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HealthCall {
    /// Counts until the answer has been sent, or nobody waits for it any more.
    pub(super) fn until_the_end_of(self, answer: Response<Body>) -> Response<Body> {
        answer.map(|body| Body::new(Counted { body, _call: self }))
    }
}

impl Drop for HealthCall {
    fn drop(&mut self) {
        let Some(peer) = self.peer else { return };
        let mut open = self.calls.open();
        if let Some(count) = open.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&peer);
            }
        }
    }
}

/// The body of a health check that counts.
struct Counted {
    body: Body,
    _call: HealthCall,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
