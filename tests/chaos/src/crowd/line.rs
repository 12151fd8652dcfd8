//! The network of one client.

use std::{net::SocketAddr, time::Duration};

use madang_test_kit::BreakableProxy;
use tokio::time::sleep;

use crate::error::Result;

/// A client's own way to each gateway.
#[derive(Debug)]
pub struct ClientLine {
    proxies: Vec<BreakableProxy>,
}

impl ClientLine {
    /// Ways to these gateways. Clients differ in the one that they try first.
    pub(super) fn start(gateways: &[SocketAddr], client: usize) -> Result<Self> {
        let first = client % gateways.len().max(1);
        let (before, after) = gateways.split_at(first);
        let proxies = after.iter().chain(before).map(|gateway| BreakableProxy::start(*gateway));
        Ok(Self { proxies: proxies.collect::<madang_test_kit::Result<_>>()? })
    }

    /// What the client connects to, in the order in which it tries.
    #[must_use]
    pub fn bases(&self) -> Vec<String> {
        self.proxies.iter().map(|proxy| format!("http://{}", proxy.address())).collect()
    }

    /// Takes the network away: at once, as when a cable is pulled out of this machine; or silently, as on a train in a
    /// tunnel, after which the way back has forgotten the connection.
    ///
    /// # Errors
    /// When a port was taken by somebody else meanwhile.
    pub async fn drop_for(&self, time: Duration, silently: bool) -> Result<()> {
        for proxy in &self.proxies {
            if silently {
                proxy.blackhole();
            } else {
                proxy.refuse().await;
                proxy.cut();
            }
        }
        sleep(time).await;
        for proxy in &self.proxies {
            if silently {
                proxy.cut();
                proxy.pass();
            } else {
                proxy.accept()?;
            }
        }
        Ok(())
    }
}
