//! Hosts of a network of their own: network namespaces that one bridge connects, and rules that drop packets between them.
//!
//! A network is made inside the network namespace of this process, which must be a private one (`unshare --net`): its hosts
//! cannot reach the machine's own network, nor it them. All of it goes with the last process in it, however that ends.
//!
//! ```text
//!   this process: 10.213.0.1 on the bridge ── veth ── host 10.213.0.11: its processes see eth0 and lo alone
//!                       │ rules (nftables)  ├─ veth ── host 10.213.0.12
//!                                           └─ …
//! ```

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    error::{Error, Result},
    home::Home,
    process::{Process, ProcessSpec},
};

/// The bridge, where this process is a host, too.
const BRIDGE: &str = "hosts";
/// The table of the rules that drop packets.
const TABLE: &str = "partition";
/// The first address of a host; the bridge has 10.213.0.1.
const FIRST: u8 = 11;
/// How long a host's namespace may take to be there.
const HOST_DEADLINE: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A network of hosts. It ends with this value, or with this process.
#[derive(Debug)]
pub struct Network {
    next: AtomicU8,
    home: Home,
}

/// A host: a network namespace with one address.
#[derive(Debug, Clone)]
pub struct Host {
    name: String,
    address: Ipv4Addr,
    /// Holds the namespace.
    holder: Arc<Process>,
}

/// Which packets between two hosts are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Those of both directions.
    Both,
    /// Those from the first to the second: it is not heard, and hears.
    Forth,
    /// Those from the second to the first: it is heard, and hears nothing.
    Back,
}

impl Network {
    /// Makes the network inside the network namespace of this process.
    ///
    /// # Errors
    /// [`Error::NoNetwork`] when the namespace is not a private one, or the system does not allow it.
    pub fn create() -> Result<Self> {
        // A namespace that `unshare` has just made has the loopback interface and nothing else.
        let others: Vec<String> = interface_names()?.into_iter().filter(|name| name != "lo").collect();
        if !others.is_empty() {
            let reason = format!(
                "this process is not in a network namespace of its own, by `unshare --net`: it has {}",
                others.join(", ")
            );
            return Err(Error::NoNetwork { reason });
        }
        let home = Home::create("network", None)?;
        run("ip", &["link", "set", "lo", "up"])?;
        run("ip", &["link", "add", BRIDGE, "type", "bridge"])?;
        run("ip", &["address", "add", "10.213.0.1/24", "dev", BRIDGE])?;
        run("ip", &["link", "set", BRIDGE, "up"])?;
        // Packets between hosts are forwarded; those of this process go in and out.
        let hooks = ["forward", "input", "output"];
        let chains: String = hooks
            .map(|hook| format!("chain {hook} {{ type filter hook {hook} priority 0; jump cuts; }}\n"))
            .concat();
        run("nft", &[&format!("table bridge {TABLE} {{\nchain cuts {{ }}\n{chains}}}")])?;
        Ok(Self { next: AtomicU8::new(FIRST), home })
    }

    /// Adds a host.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn host(&self, name: &str) -> Result<Host> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let address = Ipv4Addr::new(10, 213, 0, number);
        // A process that waits for its standard input would end with this one; this one sleeps until the guardian of its
        // directory ends it.
        let holder = Process::spawn(ProcessSpec {
            name: format!("host {name}"),
            program: "/usr/bin/unshare".into(),
            arguments: ["--net", "sleep", "infinity"].map(OsString::from).to_vec(),
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            directory: self.home.path().to_owned(),
            log: self.home.join(format!("{name}.log")),
            account: None,
            stop_signal: Signal::KILL,
        })?;
        let host = Host { name: name.to_owned(), address, holder: Arc::new(holder) };
        host.entered()?;
        let (link, pid) = (format!("h{number}"), host.holder.pid().to_string());
        run("ip", &["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &pid])?;
        run("ip", &["link", "set", &link, "master", BRIDGE, "up"])?;
        host.run("ip", &["link", "set", "lo", "up"])?;
        host.run("ip", &["address", "add", &format!("{address}/24"), "dev", "eth0"])?;
        host.run("ip", &["link", "set", "eth0", "up"])?;
        Ok(host)
    }

    /// The address of this process in the network.
    #[must_use]
    pub const fn own_address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, 0, 1)
    }

    /// Drops packets between two addresses, silently, until [`Self::heal`].
    ///
    /// # Errors
    /// When the rule is refused.
    pub fn cut(&self, first: Ipv4Addr, second: Ipv4Addr, cut: Cut) -> Result<()> {
        let forbid = |from: Ipv4Addr, to: Ipv4Addr| {
            let rule = format!("add rule bridge {TABLE} cuts ip saddr {from} ip daddr {to} drop");
            run("nft", &[&rule]).map(drop)
        };
        if cut != Cut::Back {
            forbid(first, second)?;
        }
        if cut != Cut::Forth {
            forbid(second, first)?;
        }
        Ok(())
    }

    /// Drops nothing any more.
    ///
    /// # Errors
    /// When the rules cannot be removed.
    pub fn heal(&self) -> Result<()> {
        run("nft", &[&format!("flush chain bridge {TABLE} cuts")]).map(drop)
    }
}

impl Host {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The same process on this host.
    pub(crate) fn place(&self, spec: ProcessSpec) -> ProcessSpec {
        let mut arguments: Vec<OsString> = vec![format!("--net={}", self.namespace()).into()];
        if let Some(account) = spec.account {
            // The namespace is entered first, which the account may not.
            arguments.push(format!("--setuid={}", account.user_id).into());
            arguments.push(format!("--setgid={}", account.group_id).into());
        }
        arguments.push("--".into());
        arguments.push(spec.program.clone().into());
        arguments.extend(spec.arguments);
        ProcessSpec { program: "/usr/bin/nsenter".into(), arguments, account: None, ..spec }
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.pid())
    }

    /// Waits until the holder has a namespace of its own.
    fn entered(&self) -> Result<()> {
        let own = namespace_of("/proc/self/ns/net")?;
        let started = Instant::now();
        loop {
            // Where there is none yet, or no more, the deadline decides.
            if namespace_of(&self.namespace()).is_ok_and(|theirs| theirs != own) {
                return Ok(());
            }
            if started.elapsed() >= HOST_DEADLINE || !self.holder.is_running() {
                let reason = format!("the namespace of {} cannot be made", self.name);
                return Err(Error::NoNetwork { reason });
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let namespace = format!("--net={}", self.namespace());
        let mut all = vec![namespace.as_str(), program];
        all.extend(arguments);
        run("nsenter", &all).map(drop)
    }
}

impl From<&Host> for IpAddr {
    fn from(host: &Host) -> Self {
        Self::V4(host.address)
    }
}

fn namespace_of(path: &str) -> Result<std::path::PathBuf> {
    std::fs::read_link(Path::new(path)).map_err(Error::io(format!("read {path}")))
}

/// The interfaces of this process's namespace, whatever /sys shows: it may have been mounted in another one.
fn interface_names() -> Result<Vec<String>> {
    let text = std::fs::read_to_string("/proc/self/net/dev").map_err(Error::io("list the interfaces"))?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    Ok(lines.map(|(name, _)| name.trim().to_owned()).collect())
}

/// Runs a program of the system to its end.
fn run(program: &'static str, arguments: &[&str]) -> Result<Output> {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .output()
        .map_err(Error::io(format!("run {program}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = format!("`{program} {}`: {}", arguments.join(" "), said.trim());
    Err(Error::NoNetwork { reason })
}
