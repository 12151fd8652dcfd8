//! A proxy before Redis that can be cut, and that can stall the readers behind it: their connections live and answer, but they read
//! another key. That is how a reader looks whose server was replaced unnoticed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub(crate) struct StallingProxy {
    port: u16,
    accepted: Arc<AtomicU64>,
    stalled_up_to: Arc<AtomicU64>,
    is_cut: Arc<AtomicBool>,
    connections: Arc<Mutex<JoinSet<()>>>,
    task: tokio::task::JoinHandle<()>,
}

impl StallingProxy {
    pub(crate) async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicU64::new(0));
        let stalled_up_to = Arc::new(AtomicU64::new(0));
        let is_cut = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let (counter, stalled) = (Arc::clone(&accepted), Arc::clone(&stalled_up_to));
        let (cut, forwarded) = (Arc::clone(&is_cut), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if cut.load(SeqCst) {
                    continue;
                }
                let number = counter.fetch_add(1, SeqCst) + 1;
                let stalled = Arc::clone(&stalled);
                let server = TcpStream::connect(&target).await.unwrap();
                let is_stalled = move || number <= stalled.load(SeqCst);
                forwarded.lock().unwrap().spawn(forward(client, server, is_stalled));
            }
        });
        Self { port, accepted, stalled_up_to, is_cut, connections, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// All readers that are connected now receive nothing from now on.
    pub(crate) fn stall_readers(&self) {
        self.stalled_up_to.store(self.accepted.load(SeqCst), SeqCst);
    }

    /// Ends all connections and refuses new ones.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, SeqCst);
        self.connections.lock().unwrap().abort_all();
    }

    /// Forwards again.
    pub(crate) fn mend(&self) {
        self.is_cut.store(false, SeqCst);
    }
}

impl Drop for StallingProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.connections.lock().unwrap().abort_all();
    }
}

async fn forward(client: TcpStream, server: TcpStream, is_stalled: impl Fn() -> bool) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async move { tokio::io::copy(&mut from_server, &mut to_client).await };
    let commands = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            let command = &mut buffer[..read];
            let is_read = command.windows(5).any(|window| window == b"XREAD");
            if is_read && is_stalled() {
                let key = command.windows(7).position(|window| window == b":inbox:").unwrap();
                command[key..key + 7].copy_from_slice(b":xobni:");
            }
            if to_server.write_all(command).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        _ = answers => {}
        () = commands => {}
    }
}
