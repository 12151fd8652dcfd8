//! The bytes of a client's connection.

use tokio::net::TcpStream;

pub(crate) use madang_kit::tls::AcceptedStream as ClientStream;

/// A stream that can be ended without waiting for what its peer has not taken.
pub(crate) trait Abort {
    /// Has the stream end so when it is dropped.
    fn abort(&self);
}

impl Abort for TcpStream {
    fn abort(&self) {
        // Reset, so that the system forgets what it holds for the peer. What fails here has ended already.
        let _ = self.set_zero_linger();
    }
}

impl Abort for ClientStream {
    fn abort(&self) {
        self.tcp().abort();
    }
}
