//! Connections that are kept up, whatever the servers do.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpStream, task::JoinSet, time::sleep};

use super::aim::{Aim, Counts};

/// Before a connection that ended is made again.
pub(super) const AGAIN: Duration = Duration::from_millis(100);

/// Keeps so many connections, each doing `attack` until it ends, and then again.
pub(super) async fn keep<C, F>(
    connections: usize,
    connect: impl Fn(SocketAddr) -> C + Clone + Send + 'static,
    aim: &Arc<Aim>,
    counts: &Arc<Counts>,
    attack: impl Fn(TcpStream, String, Arc<Counts>) -> F + Clone + Send + 'static,
) -> io::Result<()>
where
    C: Future<Output = io::Result<TcpStream>> + Send,
    F: Future<Output = io::Result<()>> + Send,
{
    let mut kept = JoinSet::new();
    for number in 0..connections {
        let (gateway, counts) = (aim.gateway(number), Arc::clone(counts));
        let (connect, attack) = (connect.clone(), attack.clone());
        kept.spawn(async move {
            loop {
                if let Ok(stream) = connect(gateway).await {
                    let _held = counts.hold();
                    // Whoever is closed comes back.
                    let _ = attack(stream, gateway.to_string(), Arc::clone(&counts)).await;
                }
                sleep(AGAIN).await;
            }
        });
    }
    // They end by being dropped.
    while kept.join_next().await.is_some() {}
    Ok(())
}
