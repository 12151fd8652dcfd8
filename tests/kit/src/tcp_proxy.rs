//! A TCP proxy that breaks on command.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
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

/// What all connections obey.
#[derive(Debug, Clone, Copy, Default)]
struct Control {
    blackhole: bool,
    delay: Duration,
    /// Counts the cuts: a connection ends when the number is not the one that it began with.
    cuts: u64,
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
        self.control.send_modify(|control| control.blackhole = true);
    }

    /// Ends [`Self::blackhole`].
    pub fn pass(&self) {
        self.control.send_modify(|control| control.blackhole = false);
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
        let cuts = control.borrow().cuts;
        tokio::spawn(connection(client, target, control.clone(), cuts));
    }
}

async fn connection(mut client: TcpStream, target: SocketAddr, control: watch::Receiver<Control>, cuts: u64) {
    let mut cut = control.clone();
    let mut server = tokio::select! {
        _ = cut.wait_for(|control| control.cuts != cuts) => None,
        server = connect(target, control.clone()) => server,
    };
    if let Some(server) = &mut server {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            _ = cut.wait_for(|control| control.cuts != cuts) => {}
            _ = async { tokio::join!(
                pump(from_client, to_server, control.clone()),
                pump(from_server, to_client, control.clone()),
            ) } => return,
        }
    }
    // What is closed with zero linger is reset, not ended: nobody can mistake a cut for a good end.
    for stream in server.iter().chain([&client]) {
        let _ = stream.set_zero_linger();
    }
}

/// A connection to the target, once bytes may pass; `None` when it refuses.
async fn connect(target: SocketAddr, mut control: watch::Receiver<Control>) -> Option<TcpStream> {
    passing(&mut control).await;
    let stream = TcpStream::connect(target).await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// One direction of a connection, until its end has been passed on.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut control: watch::Receiver<Control>,
) {
    // An empty chunk is the end. Chunks carry the time at which they are due, so that a delay costs no throughput.
    let (wire, mut arrivals) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_IN_FLIGHT);
    let delays = control.clone();
    let send = async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let length = from.read(&mut buffer).await.unwrap_or(0);
            let chunk = buffer.get(..length).unwrap_or_default().to_vec();
            let due = Instant::now() + delays.borrow().delay;
            if wire.send((due, chunk)).await.is_err() || length == 0 {
                return;
            }
        }
    };
    let deliver = async move {
        while let Some((due, chunk)) = arrivals.recv().await {
            tokio::time::sleep_until(due).await;
            passing(&mut control).await;
            if chunk.is_empty() || to.write_all(&chunk).await.is_err() {
                let _ = to.shutdown().await;
                return;
            }
        }
    };
    tokio::join!(send, deliver);
}

/// Waits while there is a blackhole. Returns too when the proxy is gone; its connections end then anyhow.
async fn passing(control: &mut watch::Receiver<Control>) {
    let _ = control.wait_for(|control| !control.blackhole).await;
}
