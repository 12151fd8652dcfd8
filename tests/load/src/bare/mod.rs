//! The limit to compare with: a server that only broadcasts.
//!
//! No accounts, no membership, no store, no other gateway: a task a socket, one framed buffer shared by all who
//! receive it, one write a delivery. It speaks the few frames of `madang.v1.json` that the load consists of, in
//! their full size, so that the same fleet drives it. What a server under test costs above this is the price of
//! what it promises.

mod child;
mod room;
mod session;

use std::{io, sync::Arc};

pub use child::{BareServer, SUBCOMMAND, run};
use tokio::net::{TcpListener, TcpSocket};

use self::room::Rooms;

/// As many as a gateway queues while a storm of clients connects.
const ACCEPT_QUEUE: u32 = 4_096;

/// Listens on a free port of the loopback interface.
///
/// # Errors
/// When there is none.
pub fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((std::net::Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(ACCEPT_QUEUE)
}

/// Serves clients until the task is dropped.
///
/// # Errors
/// When no connection can be accepted any more.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let rooms = Arc::new(Rooms::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let rooms = Arc::clone(&rooms);
        tokio::spawn(async move {
            // A client that goes without a word is no concern of a bare server.
            let _ = session::run(stream, &rooms).await;
        });
    }
}
