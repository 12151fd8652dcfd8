//! What is under load: the processes of a cluster.

use std::{fs, io, net::SocketAddr, path::Path};

use serde::Deserialize;

/// What a process does, by which CPU time is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Terminates sockets; the bare server counts as one.
    Gateway,
    /// The auth service.
    Auth,
    /// The message store.
    Store,
    /// PostgreSQL, all of its processes.
    Database,
    /// Redis.
    Redis,
    /// The load generator itself.
    Generator,
    /// The ingress and what else a cluster has; the load does not go through it.
    Other,
}

impl Part {
    /// By the name that `make cluster` gives a process: `gateway-1`, `message-store-2`.
    fn of(name: &str) -> Self {
        const NAMES: [(&str, Part); 6] = [
            ("gateway", Part::Gateway),
            ("auth", Part::Auth),
            ("message-store", Part::Store),
            ("store", Part::Store),
            ("postgres", Part::Database),
            ("redis", Part::Redis),
        ];
        NAMES.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(Self::Other, |(_, part)| *part)
    }
}

/// A process under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its name in the cluster.
    pub name: String,
    /// What it does.
    pub part: Part,
    /// Its id.
    pub pid: u32,
    /// Where it serves.
    pub address: Option<SocketAddr>,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its processes.
    pub processes: Vec<Process>,
}

/// A cluster that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The list of processes cannot be read.
    #[error("cannot read the cluster's processes from {path}; is `make cluster` running?")]
    Read {
        /// Where it should be.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The list is not one.
    #[error("{path} is no list of processes")]
    Format {
        /// What was read.
        path: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// It runs, but has no gateway on this machine.
    #[error("the cluster has no gateway on the loopback interface")]
    NoGateway,
}

/// An entry of `processes.json`.
#[derive(Deserialize)]
struct Entry {
    name: String,
    pid: u32,
    address: Option<String>,
}

impl Target {
    /// A cluster that runs, from its `processes.json`.
    ///
    /// # Errors
    /// When the file is not one, or names no gateway.
    pub fn from_file(path: &Path) -> Result<Self, TargetError> {
        let name = || path.display().to_string();
        let text = fs::read(path).map_err(|source| TargetError::Read { path: name(), source })?;
        let entries: Vec<Entry> =
            serde_json::from_slice(&text).map_err(|source| TargetError::Format { path: name(), source })?;
        let processes = entries.into_iter().map(|entry| Process {
            part: Part::of(&entry.name),
            name: entry.name,
            pid: entry.pid,
            address: entry.address.as_deref().and_then(socket_address),
        });
        Self::new(processes.collect())
    }

    /// A cluster of these processes.
    ///
    /// # Errors
    /// When there is no gateway on the loopback interface: load is never sent to another machine.
    pub fn new(processes: Vec<Process>) -> Result<Self, TargetError> {
        let target = Self { processes };
        if target.addresses(Part::Gateway).is_empty() { Err(TargetError::NoGateway) } else { Ok(target) }
    }

    /// Where the processes of a part serve.
    #[must_use]
    pub fn addresses(&self, part: Part) -> Vec<SocketAddr> {
        self.processes
            .iter()
            .filter(|process| process.part == part)
            .filter_map(|process| process.address)
            .collect()
    }

    /// The processes of a part.
    #[must_use]
    pub fn pids(&self, part: Part) -> Vec<u32> {
        self.processes.iter().filter(|process| process.part == part).map(|process| process.pid).collect()
    }
}

/// `127.0.0.1:8081`, or the same in a URL. Other machines have no address here.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let address: SocketAddr = authority.rsplit('@').next().unwrap_or_default().parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_file_tells_parts_pids_and_addresses() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("processes.json");
        let text = r#"[
            {"name":"postgres","pid":1,"address":"postgres://madang@127.0.0.1:5433/madang","ops_address":null,"log":"x"},
            {"name":"gateway-1","pid":2,"address":"http://127.0.0.1:8081","ops_address":"127.0.0.1:9","log":"x"},
            {"name":"gateway-2","pid":3,"address":"127.0.0.1:8082","log":"x"},
            {"name":"message-store-1","pid":4,"address":"127.0.0.1:7001"},
            {"name":"nginx","pid":5}
        ]"#;
        fs::write(&path, text).unwrap();
        let target = Target::from_file(&path).unwrap();
        assert_eq!(target.pids(Part::Gateway), [2, 3]);
        assert_eq!(
            target.addresses(Part::Gateway),
            ["127.0.0.1:8081", "127.0.0.1:8082"].map(|a| a.parse().unwrap())
        );
        assert_eq!(target.addresses(Part::Database), ["127.0.0.1:5433".parse().unwrap()]);
        assert_eq!(target.pids(Part::Store), [4]);
        assert_eq!(target.pids(Part::Other), [5]);
    }

    #[test]
    fn no_cluster_no_list_and_a_gateway_elsewhere_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("processes.json");
        assert!(matches!(Target::from_file(&path), Err(TargetError::Read { .. })));
        fs::write(&path, "{}").unwrap();
        assert!(matches!(Target::from_file(&path), Err(TargetError::Format { .. })));
        fs::write(&path, r#"[{"name":"gateway-1","pid":2,"address":"192.0.2.1:80"}]"#).unwrap();
        assert!(matches!(Target::from_file(&path), Err(TargetError::NoGateway)));
    }
}
