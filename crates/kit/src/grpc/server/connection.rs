//! Connections as a server takes them: within their bound, and not for long without a word.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream};
use madang_counters::instruments;
use madang_domain::Timestamp;
use madang_flow_control::{RateBucket, RateLimit};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tonic::transport::server::{Connected, TcpIncoming};

use super::{
    ServerOptions,
    access::Access,
    peer::Peer,
    transport::{HandshakeRefused, Transport},
};
use crate::{
    LogBudget, Metrics, accept,
    places::{Place, Places},
};

/// What a peer sends first: the preface of HTTP/2 and the head of its first frame (RFC 9113, sections 3.4 and 4.1). Once
/// it has, the pings of HTTP/2 find out whether it is still there.
const OPENING_BYTES: usize = 24 + 9;
/// The part of the places that one address may have.
const ADDRESS_DIVISOR: usize = 4;
/// How often the log says that connections are refused.
const WARNINGS: RateLimit = RateLimit { interval: Duration::from_secs(60), burst: 1 };

instruments! {
    /// What a server counts of its connections.
    struct ConnectionCounters {
        refused: Counter = "madang.rpc.server.refused_connections", "{connection}",
            "Connections refused because as many are held as may be.";
        refused_handshakes: Counter = "madang.rpc.server.refused_handshakes", "{connection}",
            "Connections refused because of their certificate, or because they have none.";
    }
}

/// The connections of a server.
pub(super) fn connections(
    incoming: TcpIncoming,
    options: &ServerOptions,
    access: Arc<Access>,
    metrics: &Metrics,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let counters: Arc<ConnectionCounters> = Arc::default();
    metrics.export(&counters);
    let acceptor = Acceptor {
        incoming,
        places: Places::new(options.connections, options.connections.div_ceil(ADDRESS_DIVISOR)),
        patience: options.opening_timeout,
        access,
        handshakes: Arc::new(Handshakes {
            counters: Arc::clone(&counters),
            lines: LogBudget::default(),
            epoch: Instant::now(),
        }),
        counters,
        epoch: Instant::now(),
        warnings: RateBucket::new(),
    };
    stream::unfold(acceptor, |mut acceptor| async move {
        let connection = acceptor.next().await?;
        Some((Ok(connection), acceptor))
    })
}

struct Acceptor {
    incoming: TcpIncoming,
    places: Arc<Places>,
    patience: Duration,
    access: Arc<Access>,
    handshakes: Arc<Handshakes>,
    counters: Arc<ConnectionCounters>,
    epoch: Instant,
    warnings: RateBucket,
}

impl Acceptor {
    async fn next(&mut self) -> Option<Connection> {
        loop {
            let io = match self.incoming.next().await? {
                Ok(io) => io,
                Err(error) => {
                    accept::failed(&error).await;
                    continue;
                }
            };
            // One whose peer has gone already has no address, and ends with its first read.
            let peer = io.peer_addr().ok();
            let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
            match self.places.take(address) {
                Some(place) => {
                    let transport =
                        Transport::new(io, self.access.tls().cloned(), self.access.accepts_plaintext());
                    let handshakes = Arc::clone(&self.handshakes);
                    return Some(Connection::new(
                        transport,
                        Peer::at(peer),
                        place,
                        handshakes,
                        self.patience,
                    ));
                }
                None => self.refused(address),
            }
        }
    }

    fn refused(&self, address: IpAddr) {
        self.counters.refused.add(1);
        if self.warnings.take(WARNINGS, self.epoch.elapsed().as_micros() as u64).is_ok() {
            tracing::warn!(%address, "no more connections to the gRPC server: as many are held as may be");
        }
    }
}

impl Drop for Acceptor {
    /// The server takes no more connections: those whose peers have not spoken would hold its end up.
    fn drop(&mut self) {
        self.places.end_waiting();
    }
}

/// Tells of handshakes that are refused.
struct Handshakes {
    counters: Arc<ConnectionCounters>,
    lines: LogBudget,
    epoch: Instant,
}

impl Handshakes {
    fn refused(&self, peer: &Peer, reason: &str) {
        self.counters.refused_handshakes.add(1);
        let now = Timestamp::default().plus(self.epoch.elapsed());
        if let Some(left_out) = self.lines.take(now) {
            let address = peer.address.map(|address| address.to_string());
            tracing::warn!(address, reason, left_out, "a connection to the gRPC server is refused");
        }
    }
}

/// A connection with its place.
pub(super) struct Connection {
    io: Transport,
    peer: Peer,
    handshakes: Arc<Handshakes>,
    place: Place,
    /// Until the peer has begun to speak.
    opening: Option<Opening>,
}

struct Opening {
    heard_bytes: usize,
    /// Ready when the peer has taken too long, or the place is needed for another.
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Connection {
    fn new(io: Transport, peer: Peer, place: Place, handshakes: Arc<Handshakes>, patience: Duration) -> Self {
        let needed = place.ended().clone();
        let end = Box::pin(async move {
            let _ = tokio::time::timeout(patience, needed.cancelled()).await;
        });
        Self { io, peer, handshakes, place, opening: Some(Opening { heard_bytes: 0, end }) }
    }

    /// Waits until bytes can be read and written, for as long as the peer may take to begin to speak.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.io.poll_open(context, &self.peer) {
            Poll::Ready(Ok(Ok(()))) => Poll::Ready(Ok(())),
            Poll::Ready(Ok(Err(HandshakeRefused(reason)))) => {
                self.handshakes.refused(&self.peer, &reason);
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_impatient(context),
        }
    }

    /// Nothing comes: it fails when the peer has not begun to speak in time.
    fn poll_impatient<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(opening) = &mut self.opening else { return Poll::Pending };
        ready!(opening.end.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not speak HTTP/2")))
    }

    /// Something has come from the peer.
    fn heard(&mut self, bytes: usize) {
        let Some(opening) = &mut self.opening else { return };
        opening.heard_bytes += bytes;
        if opening.heard_bytes >= OPENING_BYTES {
            self.opening = None;
            self.place.settle();
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?;
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Pending => self.poll_impatient(context),
            Poll::Ready(Ok(())) => {
                let heard = buffer.filled().len() - before;
                self.heard(heard);
                Poll::Ready(Ok(()))
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?;
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?;
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
