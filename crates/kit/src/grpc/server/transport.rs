//! The bytes of a connection: plain, or by TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::Accept;

use super::peer::Peer;
use crate::tls::{AcceptedStream, ServiceTls, explain};

/// The first byte of a connection by TLS: a record of a handshake (RFC 8446, section 5.1). HTTP/2 begins with `P`.
const HANDSHAKE_RECORD: u8 = 22;

/// The bytes of a connection.
pub(super) enum Transport {
    /// They can be read and written.
    Open(AcceptedStream),
    /// Where both are served: until the first byte has come.
    Undecided(TcpStream, ServiceTls),
    /// Until the handshake is done.
    Handshake(Box<Accept<TcpStream>>, ServiceTls),
    /// The handshake failed.
    Refused,
}

/// A handshake that failed; the reason is for the log.
pub(super) struct HandshakeRefused(pub(super) String);

impl Transport {
    pub(super) fn new(io: TcpStream, tls: Option<ServiceTls>, accepts_plaintext: bool) -> Self {
        match tls {
            None => Self::Open(io.into()),
            Some(tls) if accepts_plaintext => Self::Undecided(io, tls),
            Some(tls) => Self::handshake(io, tls),
        }
    }

    fn handshake(io: TcpStream, tls: ServiceTls) -> Self {
        Self::Handshake(Box::new(tls.acceptor().accept(io)), tls)
    }

    /// Brings the connection to where bytes can be read and written, and says then who the peer is.
    pub(super) fn poll_open(
        &mut self,
        context: &mut Context<'_>,
        peer: &Peer,
    ) -> Poll<io::Result<Result<(), HandshakeRefused>>> {
        loop {
            match self {
                Self::Open(_) => return Poll::Ready(Ok(Ok(()))),
                Self::Refused => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
                Self::Undecided(io, _) => {
                    let mut first = [0];
                    let mut first = ReadBuf::new(&mut first);
                    ready!(io.poll_peek(context, &mut first))?;
                    let speaks_tls = first.filled() == [HANDSHAKE_RECORD];
                    *self = match std::mem::replace(self, Self::Refused) {
                        Self::Undecided(io, tls) if speaks_tls => Self::handshake(io, tls),
                        Self::Undecided(io, _) => Self::Open(io.into()),
                        other => other,
                    };
                }
                Self::Handshake(accept, tls) => {
                    let accepted = ready!(Pin::new(accept.as_mut()).poll(context));
                    let tls = tls.clone();
                    *self = Self::Refused;
                    match accepted {
                        Ok(stream) => {
                            let shown =
                                stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                            // The handshake has refused what names no service.
                            let Some(service) = shown.and_then(|shown| tls.service_of(shown)) else {
                                continue;
                            };
                            peer.is(service);
                            *self = Self::Open(stream.into());
                        }
                        // Whoever has gone meanwhile was not refused, for example a probe with a certificate that was replaced.
                        Err(error) if is_gone(&error) => return Poll::Ready(Err(error)),
                        Err(error) => return Poll::Ready(Ok(Err(HandshakeRefused(explain(&error))))),
                    }
                }
            }
        }
    }
}

/// Whether the peer has ended the connection without a word.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Open(io) => Pin::new(io).poll_read(context, buffer),
            Self::Undecided(..) | Self::Handshake(..) | Self::Refused => not_open(),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Open(io) => Pin::new(io).poll_write(context, bytes),
            Self::Undecided(..) | Self::Handshake(..) | Self::Refused => not_open(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Open(io) => Pin::new(io).poll_write_vectored(context, slices),
            Self::Undecided(..) | Self::Handshake(..) | Self::Refused => not_open(),
        }
    }

    fn is_write_vectored(&self) -> bool {
        // Of all that bytes are written to.
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Open(io) => Pin::new(io).poll_flush(context),
            Self::Undecided(..) | Self::Handshake(..) | Self::Refused => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Open(io) => Pin::new(io).poll_shutdown(context),
            Self::Undecided(io, _) => Pin::new(io).poll_shutdown(context),
            Self::Handshake(..) | Self::Refused => Poll::Ready(Ok(())),
        }
    }
}

/// Whoever reads or writes has opened the connection before.
fn not_open<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}
