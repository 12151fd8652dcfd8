//! A TCP proxy that breaks on command.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::port::free_address;

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// Chunks on their way in one direction of one connection (with a delay, the "wire" holds this much); a sender beyond
/// it waits, as it would for a slow receiver.
const CHUNKS_IN_FLIGHT: usize = 64;

/// Passes TCP connections on to a target until told otherwise. Lives in the runtime that started it; dropping it cuts
/// everything and closes its port.
#[derive(Debug)]
pub struct BreakableProxy {
    address: SocketAddr,
    target: SocketAddr,
    /// Connections end when it is dropped.
    control: watch::Sender<Control>,
    /// The task that owns the listener; `None` while connections are refused.
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

/// One of the two directions of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the client says.
    ToTarget,
    /// What the target answers.
    FromTarget,
}

/// What all connections obey.
#[derive(Debug, Clone, Copy, Default)]
struct Control {
    muted_to_target: bool,
    muted_from_target: bool,
    delay: Duration,
    /// Counts the cuts: a connection ends when the number is not the one that it began with.
    cuts: u64,
    /// Counts the losses of the target's side, likewise.
    losses: u64,
}

impl Control {
    const fn is_muted(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToTarget => self.muted_to_target,
            Direction::FromTarget => self.muted_from_target,
        }
    }

    const fn mute(&mut self, direction: Direction) {
        match direction {
            Direction::ToTarget => self.muted_to_target = true,
            Direction::FromTarget => self.muted_from_target = true,
        }
    }
}

/// Why a connection is no longer passed on.
enum Broken {
    /// Both sides are reset.
    Cut,
    /// The target's side is reset, and the client is told nothing.
    HalfOpen,
}

impl BreakableProxy {
    /// Listens on a free port of 127.0.0.1 and passes every connection on to `target`.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(target: SocketAddr) -> Result<Self> {
        let (control, _) = watch::channel(Control::default());
        let proxy = Self { address: free_address()?, target, control, acceptor: Mutex::new(None) };
        proxy.accept()?;
        Ok(proxy)
    }

    /// Where to connect instead of to the target.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets every connection. New ones are accepted as before.
    pub fn cut(&self) {
        self.control.send_modify(|control| control.cuts += 1);
    }

    /// Closes the port: new connections are refused. Those that exist live on; [`Self::cut`] ends them.
    pub async fn refuse(&self) {
        let acceptor = self.acceptor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(acceptor) = acceptor {
            acceptor.abort();
            // The port is closed when the task has been dropped, not when it was told.
            let _ = acceptor.await;
        }
    }

    /// Opens the port again.
    ///
    /// # Errors
    /// When another process took it meanwhile.
    pub fn accept(&self) -> Result<()> {
        let mut acceptor = self.acceptor.lock().unwrap_or_else(PoisonError::into_inner);
        if acceptor.is_none() {
            let listener = listen(self.address).map_err(Error::io("open the port of a proxy"))?;
            *acceptor = Some(tokio::spawn(accept_loop(listener, self.target, self.control.subscribe())));
        }
        Ok(())
    }

    /// Connections stay open, new ones are accepted, and no byte arrives in either direction: what a lost network
    /// looks like. What was sent is kept and arrives after [`Self::pass`].
    pub fn blackhole(&self) {
        self.mute(Direction::ToTarget);
        self.mute(Direction::FromTarget);
    }

    /// [`Self::blackhole`] in one direction: one side is heard and hears nothing, as behind a route that was lost one
    /// way.
    pub fn mute(&self, direction: Direction) {
        self.control.send_modify(|control| control.mute(direction));
    }

    /// Ends [`Self::blackhole`] and [`Self::mute`].
    pub fn pass(&self) {
        self.control.send_modify(|control| {
            control.muted_to_target = false;
            control.muted_from_target = false;
        });
    }

    /// Resets the target's side of every connection and tells the clients nothing: their sides stay open and silent, as
    /// when a machine or a firewall in between forgot them. New connections pass; [`Self::cut`] ends the halves.
    pub fn half_open(&self) {
        self.control.send_modify(|control| control.losses += 1);
    }

    /// From now on bytes take this long, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.control.send_modify(|control| control.delay = delay);
    }
}

impl Drop for BreakableProxy {
    fn drop(&mut self) {
        let acceptor = self.acceptor.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(acceptor) = acceptor {
            acceptor.abort();
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    // The standard library's listener sets SO_REUSEADDR, without which a port is closed for minutes after a cut.
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

async fn accept_loop(listener: TcpListener, target: SocketAddr, control: watch::Receiver<Control>) {
    // Not owned by this task: connections survive a refusal of new ones.
    while let Ok((client, _)) = listener.accept().await {
        let began = *control.borrow();
        tokio::spawn(connection(client, target, control.clone(), began));
    }
}

async fn connection(
    mut client: TcpStream,
    target: SocketAddr,
    control: watch::Receiver<Control>,
    began: Control,
) {
    let mut watched = control.clone();
    // Without it a small answer could wait for the client's next request.
    let _ = client.set_nodelay(true);
    let connected = tokio::select! {
        broken = broken(&mut watched, began) => Err(broken),
        server = connect(target, control.clone()) => Ok(server),
    };
    let (server, broken) = match connected {
        Err(broken) => (None, broken),
        // Refused by the target, and so by the proxy.
        Ok(None) => (None, Broken::Cut),
        Ok(Some(mut server)) => {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let broken = tokio::select! {
                broken = broken(&mut watched, began) => broken,
                _ = async { tokio::join!(
                    pump(from_client, to_server, Direction::ToTarget, control.clone()),
                    pump(from_server, to_client, Direction::FromTarget, control.clone()),
                ) } => return,
            };
            (Some(server), broken)
        }
    };
    // What is closed with zero linger is reset, not ended: nobody can mistake a cut for a good end.
    if let Some(server) = server {
        let _ = server.set_zero_linger();
    }
    if matches!(broken, Broken::HalfOpen) {
        tokio::select! {
            _ = watched.wait_for(|control| control.cuts != began.cuts) => {}
            () = swallow(&mut client) => {}
        }
    }
    let _ = client.set_zero_linger();
}

/// Waits until the connections of `began` are to be broken; also when the proxy is gone.
async fn broken(control: &mut watch::Receiver<Control>, began: Control) -> Broken {
    let changed = |control: &Control| (control.cuts, control.losses) != (began.cuts, began.losses);
    match control.wait_for(changed).await {
        Ok(control) if control.cuts == began.cuts => Broken::HalfOpen,
        Ok(_) | Err(_) => Broken::Cut,
    }
}

/// Reads what nobody will hear, until the client ends.
async fn swallow(client: &mut TcpStream) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while client.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

/// A connection to the target, once bytes may pass; `None` when it refuses.
async fn connect(target: SocketAddr, mut control: watch::Receiver<Control>) -> Option<TcpStream> {
    // A handshake takes both directions.
    passing(&mut control, Direction::ToTarget).await;
    passing(&mut control, Direction::FromTarget).await;
    let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.ok()?;
    // From before it is connected: a break in this moment is one of a connection that the target may have accepted.
    socket.set_zero_linger().ok()?;
    let stream = socket.connect(target).await.ok()?;
    // From now on what is left to send is sent, unless the line is broken.
    set_socket_linger(&stream, None).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// One direction of a connection, until its end has been passed on.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    mut control: watch::Receiver<Control>,
) {
    // An empty chunk is the end. Chunks carry the time at which they are due, so that a delay costs no throughput.
    let (wire, mut arrivals) = mpsc::channel::<(Option<Instant>, Vec<u8>)>(CHUNKS_IN_FLIGHT);
    let delays = control.clone();
    let send = async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let length = from.read(&mut buffer).await.unwrap_or(0);
            let chunk = buffer.get(..length).unwrap_or_default().to_vec();
            let delay = delays.borrow().delay;
            // Most lines have no delay, and need neither a clock nor a timer.
            let due = (!delay.is_zero()).then(|| Instant::now() + delay);
            if wire.send((due, chunk)).await.is_err() || length == 0 {
                return;
            }
        }
    };
    let deliver = async move {
        while let Some((due, chunk)) = arrivals.recv().await {
            if let Some(due) = due {
                tokio::time::sleep_until(due).await;
            }
            passing(&mut control, direction).await;
            if chunk.is_empty() || to.write_all(&chunk).await.is_err() {
                let _ = to.shutdown().await;
                return;
            }
        }
    };
    tokio::join!(send, deliver);
}

/// Waits while the direction is muted. Returns too when the proxy is gone; its connections end then anyhow.
async fn passing(control: &mut watch::Receiver<Control>, direction: Direction) {
    let _ = control.wait_for(|control| !control.is_muted(direction)).await;
}
