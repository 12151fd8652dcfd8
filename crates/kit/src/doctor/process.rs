//! What the host gives to the process: open files and ports.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::Finding;
use crate::FileLimit;

/// What the findings belong to.
const ABOUT: &str = "Process";

/// Files that a process has open besides the connections of clients: its reserve, the databases, Redis, other services,
/// the operations port.
pub const BESIDE_CONNECTIONS: u64 = 500;

/// How long whoever listens at a port may take to say who that is.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1);

/// Whether the limit of open files is enough for as many connections as the settings allow. The process raises its soft
/// limit to the hard one, so that one is judged.
#[must_use]
pub fn files(limit: FileLimit, connections: u64) -> Finding {
    let needed = connections.saturating_add(BESIDE_CONNECTIONS);
    let hard = FileLimit { soft: limit.hard, hard: limit.hard };
    let words = format!(
        "{} files may be open; MADANG_MAX_CONNECTIONS allows {connections} connections",
        FileLimit::in_words(limit.hard)
    );
    if hard.allows(needed) {
        return Finding::ok("process.files", ABOUT, words);
    }
    Finding::warning(
        "process.files",
        ABOUT,
        format!("{words}, which need {needed} files: connections beyond the limit wait until others end"),
        format!(
            "raise the hard limit to {needed} (LimitNOFILE= of systemd, `ulimits` of compose, the container runtime), or \
             lower MADANG_MAX_CONNECTIONS"
        ),
    )
}

/// What is spoken at a port, which says how to find out who listens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP with `/livez`.
    Health,
    /// Something else.
    Other,
}

/// Whether a process could listen at an address.
pub async fn port(setting: &'static str, address: SocketAddr, speaks: Speaks) -> Finding {
    const CHECK: &str = "process.port";
    match TcpListener::bind(address).await {
        Ok(_) if address.port() == 0 => Finding::ok(CHECK, ABOUT, format!("{setting}: any free port")),
        Ok(_) => Finding::ok(CHECK, ABOUT, format!("{setting}: {address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let asked = SocketAddr::new(
                if address.ip().is_unspecified() {
                    std::net::Ipv4Addr::LOCALHOST.into()
                } else {
                    address.ip()
                },
                address.port(),
            );
            let lives =
                speaks == Speaks::Health && timeout(ANSWER_DEADLINE, is_live(asked)).await == Ok(true);
            if lives {
                return Finding::ok(
                    CHECK,
                    ABOUT,
                    format!("{setting}: a running Madang answers at {address}"),
                );
            }
            let says = format!("{setting}: {address} is in use");
            let advice = format!(
                "if it is this service that runs, all is well; else end the other (`ss -ltnp`) or set {setting}"
            );
            match speaks {
                Speaks::Health => Finding::error(CHECK, ABOUT, format!("{says}, and not by Madang"), advice),
                Speaks::Other => Finding::warning(CHECK, ABOUT, says, advice),
            }
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::error(
            CHECK,
            ABOUT,
            format!("{setting}: this account may not listen at {address}"),
            "choose a port from 1024 on, or give the process CAP_NET_BIND_SERVICE",
        ),
        Err(error) => Finding::error(
            CHECK,
            ABOUT,
            format!("{setting}: nothing can listen at {address}: {error}"),
            "choose an address of this host; 0.0.0.0 or [::] stand for all of them",
        ),
    }
}

/// Whether `/livez` answers with 200.
async fn is_live(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        Ok::<_, std::io::Error>(head)
    };
    ask.await.is_ok_and(|head| head == *b"HTTP/1.1 200")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn the_hard_limit_is_judged_since_the_process_raises_the_soft_one() {
        let limit = |hard| FileLimit { soft: Some(1_024), hard: Some(hard) };
        assert_eq!(files(limit(20_500), 20_000).level, Level::Ok);
        let low = files(limit(20_499), 20_000);
        assert_eq!(low.level, Level::Warning);
        assert!(low.advice.unwrap().contains("20500"));
        assert_eq!(files(FileLimit { soft: Some(1), hard: None }, u64::MAX).level, Level::Ok);
    }

    #[tokio::test]
    async fn a_port_is_free_or_somebodys() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let other = port("MADANG_HTTP_ADDR", address, Speaks::Other).await;
        assert_eq!(other.level, Level::Warning);
        // It accepts and says nothing.
        let silent = port("MADANG_HTTP_ADDR", address, Speaks::Health).await;
        assert_eq!(silent.level, Level::Error, "{silent:?}");
        let answering = tokio::spawn(async move {
            loop {
                let (mut stream, _) = taken.accept().await.unwrap();
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let _ = stream.read(&mut [0; 256]).await;
            }
        });
        let live = port("MADANG_HTTP_ADDR", address, Speaks::Health).await;
        assert_eq!(live.level, Level::Ok, "{live:?}");
        answering.abort();
        let _ = answering.await;
        assert_eq!(port("MADANG_HTTP_ADDR", address, Speaks::Health).await.level, Level::Ok);
        let foreign = port("MADANG_HTTP_ADDR", "192.0.2.1:80".parse().unwrap(), Speaks::Health).await;
        assert_eq!(foreign.level, Level::Error);
    }
}
