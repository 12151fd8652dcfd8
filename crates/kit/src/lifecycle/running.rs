//! A service that has started, and why one could not.

use std::{error::Error, net::SocketAddr};

use super::{Lifecycle, Outcome};

/// A service that has started: where it listens, and how to stop it. Dropping it stops nothing; it
/// lives until its [`Lifecycle`] ends.
#[derive(Debug)]
pub struct Running {
    name: &'static str,
    life: Lifecycle,
    addresses: Vec<(&'static str, SocketAddr)>,
}

impl Running {
    /// A service that runs in `life`, a [child](Lifecycle::child) that it does not share.
    #[must_use]
    pub const fn new(name: &'static str, life: Lifecycle) -> Self {
        Self { name, life, addresses: Vec::new() }
    }

    /// The same, listening for `protocol` (`http`, `grpc`) at an address as it was really bound.
    #[must_use]
    pub fn listening(mut self, protocol: &'static str, address: SocketAddr) -> Self {
        self.addresses.push((protocol, address));
        self
    }

    /// The service's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its life.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.life
    }

    /// Where it listens for `protocol`.
    #[must_use]
    pub fn address(&self, protocol: &str) -> Option<SocketAddr> {
        self.addresses.iter().find(|(name, _)| *name == protocol).map(|(_, address)| *address)
    }

    /// Everywhere it listens.
    #[must_use]
    pub fn addresses(&self) -> &[(&'static str, SocketAddr)] {
        &self.addresses
    }

    /// Stops it in order, and waits for its end.
    pub async fn stop(&self) -> Outcome {
        self.life.stop();
        self.life.finished().await
    }

    /// Stops it at once, as a crash would as far as its tasks are concerned, and waits for its end.
    pub async fn kill(&self) -> Outcome {
        self.life.kill();
        self.life.finished().await
    }
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("{what} cannot listen on {address}")]
    Listen {
        /// What wanted to listen, such as `the operations port`.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A setting has the right form and cannot be used.
    #[error("{setting}: {reason}")]
    Setting {
        /// The setting's name, such as `MADANG_DATA_DIR`.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that the service needs to begin with does not work.
    #[error("cannot start without {what}")]
    Dependency {
        /// What it is, such as `the database`.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StartError {
    /// Of an address that cannot be listened on.
    #[must_use]
    pub const fn listen(what: &'static str, address: SocketAddr, source: std::io::Error) -> Self {
        Self::Listen { what, address, source }
    }

    /// Of a setting that cannot be used.
    pub fn setting(setting: &'static str, reason: impl Into<String>) -> Self {
        Self::Setting { setting, reason: reason.into() }
    }

    /// Of something that is needed and does not work.
    pub fn dependency(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Dependency { what, source: source.into() }
    }
}
