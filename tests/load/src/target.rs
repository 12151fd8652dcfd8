//! What is under load: the processes of a cluster.

use std::{fs, io, net::SocketAddr, path::Path};

use madang_test_kit::ProcessEntry;

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
    pub address: SocketAddr,
    /// Where its metrics are.
    pub ops_address: Option<SocketAddr>,
    /// How to connect, where an address does not suffice.
    pub url: Option<String>,
}

impl From<ProcessEntry> for Process {
    fn from(entry: ProcessEntry) -> Self {
        let part = Part::of(&entry.name);
        let ProcessEntry { name, pid, address, ops_address, url, .. } = entry;
        Self { name, part, pid, address, ops_address, url }
    }
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
    /// Sockets need gateways.
    #[error("the cluster has no gateway")]
    NoGateway,
    /// Load is not sent to other machines, and their processes could not be measured from here.
    #[error("{name} is at {address}, which is not on the loopback interface")]
    Elsewhere {
        /// The process.
        name: String,
        /// Where it is.
        address: SocketAddr,
    },
}

impl Target {
    /// A cluster that runs, from its `processes.json`.
    ///
    /// # Errors
    /// When the file is not one, or names no gateway.
    pub fn from_file(path: &Path) -> Result<Self, TargetError> {
        let name = || path.display().to_string();
        let text = fs::read(path).map_err(|source| TargetError::Read { path: name(), source })?;
        let entries: Vec<ProcessEntry> =
            serde_json::from_slice(&text).map_err(|source| TargetError::Format { path: name(), source })?;
        Self::new(entries)
    }

    /// A cluster of these processes.
    ///
    /// # Errors
    /// When there is no gateway, or a process is not on the loopback interface: load never goes to another machine.
    pub fn new(entries: Vec<ProcessEntry>) -> Result<Self, TargetError> {
        let target = Self { processes: entries.into_iter().map(Process::from).collect() };
        if let Some(elsewhere) = target.processes.iter().find(|process| !process.address.ip().is_loopback()) {
            return Err(TargetError::Elsewhere { name: elsewhere.name.clone(), address: elsewhere.address });
        }
        if target.of(Part::Gateway).next().is_none() { Err(TargetError::NoGateway) } else { Ok(target) }
    }

    /// The processes of a part.
    pub fn of(&self, part: Part) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(move |process| process.part == part)
    }

    /// Where the processes of a part serve.
    #[must_use]
    pub fn addresses(&self, part: Part) -> Vec<SocketAddr> {
        self.of(part).map(|process| process.address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_file_tells_parts_pids_addresses_and_urls() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("processes.json");
        let text = r#"[
            {"name":"postgres","pid":1,"address":"127.0.0.1:5433","ops_address":null,"log":"x","url":"postgres://u:p@127.0.0.1:5433/postgres"},
            {"name":"gateway-1","pid":2,"address":"127.0.0.1:8081","ops_address":"127.0.0.1:9","log":"x"},
            {"name":"gateway-2","pid":3,"address":"127.0.0.1:8082","ops_address":null,"log":"x"},
            {"name":"message-store-1","pid":4,"address":"127.0.0.1:7001","ops_address":null,"log":"x"},
            {"name":"nginx","pid":5,"address":"127.0.0.1:8080","ops_address":null,"log":"x"}
        ]"#;
        fs::write(&path, text).unwrap();
        let target = Target::from_file(&path).unwrap();
        let pids = |part| target.of(part).map(|process| process.pid).collect::<Vec<_>>();
        assert_eq!(
            (pids(Part::Gateway), pids(Part::Store), pids(Part::Other)),
            (vec![2, 3], vec![4], vec![5])
        );
        assert_eq!(
            target.addresses(Part::Gateway),
            ["127.0.0.1:8081", "127.0.0.1:8082"].map(|a| a.parse().unwrap())
        );
        let database = target.of(Part::Database).next().unwrap();
        assert_eq!(database.url.as_deref(), Some("postgres://u:p@127.0.0.1:5433/postgres"));
    }

    #[test]
    fn no_cluster_no_list_no_gateway_and_a_process_elsewhere_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("processes.json");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            Target::from_file(&path)
        };
        assert!(matches!(Target::from_file(&path), Err(TargetError::Read { .. })));
        assert!(matches!(read("{}"), Err(TargetError::Format { .. })));
        assert!(matches!(read("[]"), Err(TargetError::NoGateway)));
        let elsewhere =
            r#"[{"name":"gateway-1","pid":2,"address":"192.0.2.1:80","ops_address":null,"log":"x"}]"#;
        assert!(matches!(read(elsewhere), Err(TargetError::Elsewhere { .. })));
    }
}
