//! What a cluster consists of.

use std::path::PathBuf;
use std::sync::Arc;

use crate::certificates::{CertificateFiles, ServiceCertificates};
use crate::error::{Error, Result};
use crate::port::{free_address, is_free, local};
use crate::postgres_server::Durability;
use crate::service::Program;

/// The ingress's port in a cluster with fixed ports; the gateways follow it.
const INGRESS_PORT: u16 = 8080;

/// Where the cluster is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ports {
    /// Free ports for all: for tests.
    #[default]
    Free,
    /// The ingress on 8080, the gateways on 8081, 8082 and so on; the rest on free ports.
    Fixed,
}

/// What to start. The default is what `make cluster` shows, on free ports and not durable.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Replicas of auth.
    pub auth: usize,
    /// Replicas of message-store.
    pub message_store: usize,
    /// Gateways.
    pub gateways: usize,
    /// Whether an nginx stands in front of the gateways.
    pub nginx: bool,
    /// Whether a commit survives the loss of power.
    pub durability: Durability,
    /// Where the cluster is reached.
    pub ports: Ports,
    /// Where logs and `processes.json` go; a temporary directory by default.
    pub data_dir: Option<PathBuf>,
    /// The directory of the services' binaries; see [`binaries_directory`](crate::binaries_directory).
    pub binaries: Option<PathBuf>,
    /// The certificates by which the services know each other; none by default.
    pub certificates: Option<Arc<ServiceCertificates>>,
    /// Settings for all processes of a program, over those that the cluster gives it: to put a
    /// [`BreakableProxy`](crate::BreakableProxy) in between, or to shorten an interval.
    pub settings: Vec<(Program, String, String)>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            auth: 2,
            message_store: 2,
            gateways: 2,
            nginx: true,
            durability: Durability::Fast,
            ports: Ports::Free,
            data_dir: None,
            binaries: None,
            certificates: None,
            settings: Vec::new(),
        }
    }
}

impl ClusterOptions {
    /// Adds a setting for all processes of a program.
    #[must_use]
    pub fn with_setting(mut self, program: Program, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((program, name.to_owned(), value.into()));
        self
    }

    /// The settings of a program besides its addresses: the cluster's, and over them the caller's.
    pub(super) fn settings_for(&self, program: Program, given: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let files = self.certificates.as_ref().and_then(|certificates| certificates.files(program));
        let certificate = files.map(CertificateFiles::settings).unwrap_or_default();
        let own = own.chain(certificate.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let extra = self.settings.iter().filter(|(of, _, _)| *of == program);
        own.chain(extra.map(|(_, name, value)| (name.clone(), value.clone()))).collect()
    }
}

impl Ports {
    /// The ingress's address.
    pub(super) fn ingress(self) -> Result<std::net::SocketAddr> {
        self.address(0)
    }

    /// The address of a gateway, counted from 0.
    pub(super) fn gateway(self, index: usize) -> Result<std::net::SocketAddr> {
        self.address(index + 1)
    }

    fn address(self, offset: usize) -> Result<std::net::SocketAddr> {
        match self {
            Self::Free => free_address(),
            Self::Fixed => {
                let port = u16::try_from(offset).ok().and_then(|offset| INGRESS_PORT.checked_add(offset));
                let port = port.ok_or(Error::NoFreePort)?;
                if is_free(port) {
                    Ok(local(port))
                } else {
                    Err(Error::AddressInUse { address: local(port).to_string() })
                }
            }
        }
    }
}
