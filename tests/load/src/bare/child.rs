//! The bare server in a process of its own, so that its CPU time and memory are its own too.

use std::{
    io::{self, BufRead as _, BufReader, ErrorKind, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// The subcommand under which this program is the bare server.
pub const SUBCOMMAND: &str = "bare";

/// A bare server that runs. It ends when this is dropped, or when this process ends in whatever way: it reads
/// its standard input to the end.
pub struct BareServer {
    child: Child,
    address: SocketAddr,
}

impl BareServer {
    /// Starts this program as a bare server and waits until it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let address = child.stdout.take().ok_or(ErrorKind::BrokenPipe.into()).and_then(|stdout| {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line)?;
            line.trim().parse().map_err(|_| io::Error::other("the bare server did not say its address"))
        });
        match address {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Both fail only where the process has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// The child's side: serves, after saying where, until its standard input ends.
///
/// # Errors
/// When it cannot listen or accept.
pub async fn run() -> io::Result<()> {
    let listener = super::listen()?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let (gone, parent_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // An error means the same as the end: nobody is there.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = gone.send(());
    });
    tokio::select! {
        served = super::serve(listener) => served,
        _ = parent_gone => Ok(()),
    }
}
