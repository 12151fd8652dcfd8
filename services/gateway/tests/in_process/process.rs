//! A gateway as a process of its own, with no services behind it: what it refuses to start with, and what it holds.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    raw::{RawSocket, frame},
    support::{PATIENCE, within},
};

/// A gateway's process, which ends with this value.
struct Process(Child);

impl Process {
    fn spawn(settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_madang-gateway"));
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// One that may have so many files open, and raise that up to the other number.
    fn spawn_with_files(soft: u32, hard: u32, settings: &[(&str, &str)]) -> Self {
        let limited = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\"");
        let mut command = Command::new("sh");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_madang-gateway")]);
        command.envs(settings.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Its log up to a line with a text, and that line.
    fn log_until(&mut self, text: &str) -> String {
        let log = self.0.stderr.as_mut().unwrap();
        let mut said = String::new();
        for line in BufReader::new(log).lines() {
            said.push_str(&line.unwrap());
            said.push('\n');
            if said.contains(text) {
                return said;
            }
        }
        panic!("{text:?} is not in {said}");
    }

    /// Its soft limit of open files, as the system has it.
    fn files(&self) -> u64 {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.0.id())).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let (mut said, mut more) = (String::new(), String::new());
        let status = self.0.wait().unwrap();
        std::io::Read::read_to_string(&mut self.0.stdout.take().unwrap(), &mut said).unwrap();
        std::io::Read::read_to_string(&mut self.0.stderr.take().unwrap(), &mut more).unwrap();
        (status.code(), said + &more)
    }

    /// The memory that it has of the system.
    fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

#[test]
fn an_origin_that_no_page_can_have_stops_the_start() {
    for (origins, why) in [
        ("app.example.com", "https://app.example.com"),
        ("https://a.test;https://b.test", "commas"),
        ("https://a.test https://b.test", "commas"),
        ("https://a.test,https://b.test/chat", "write https://b.test"),
        ("htps://a.test", "scheme"),
        ("wss://a.test", "https"),
        ("https://a.*.test", "https://*.example.com"),
        ("https://a.test,", "comma"),
    ] {
        let (code, said) = Process::spawn(&[("MADANG_ALLOWED_ORIGINS", origins)]).end();
        assert_eq!(code, Some(2), "{origins}: {said}");
        assert!(said.contains("MADANG_ALLOWED_ORIGINS") && said.contains(why), "{origins}: {said}");
    }
}

#[test]
fn the_limit_of_open_files_is_raised_and_one_that_is_too_low_is_told() {
    const RAISED: &str = "the limit of open files was raised";
    const TOO_LOW: &str = "below MADANG_MAX_CONNECTIONS";
    for (connections, is_told) in [("400", false), ("600", true)] {
        let (http, ops) = (free_address().to_string(), free_address().to_string());
        let settings = [
            ("MADANG_HTTP_ADDR", http.as_str()),
            ("MADANG_OPS_ADDR", ops.as_str()),
            ("MADANG_MAX_CONNECTIONS", connections),
            ("MADANG_LOG_FORMAT", "text"),
        ];
        let mut process = Process::spawn_with_files(128, 1_000, &settings);
        let log = process.log_until(RAISED);
        assert!(log.contains("before=\"128\"") && log.contains("limit=\"1000\""), "{log}");
        assert_eq!(process.files(), 1_000);
        assert_eq!(log.contains(TOO_LOW), is_told, "{connections}: {log}");
    }
}

/// Clients without a credential that ping for as long as they may and read nothing.
#[tokio::test(flavor = "multi_thread")]
async fn pings_whose_answers_nobody_reads_take_no_memory() {
    const CLIENTS: usize = 4;
    /// What each sends, or tries to.
    const PINGS_BYTES: usize = 24 << 20;
    /// What the process may grow by, of a hundred megabytes of pings.
    const GROWTH_MAX_BYTES: usize = 8 << 20;
    let (http, ops) = (free_address(), free_address());
    let process = Process::spawn(&[
        ("MADANG_HTTP_ADDR", &http.to_string()),
        ("MADANG_OPS_ADDR", &ops.to_string()),
        ("MADANG_LOG", "error"),
    ]);
    within(PATIENCE, "the gateway", async {
        while TcpStream::connect(http).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // What the process needs for its first sockets at all.
    for _ in 0..2 * CLIENTS {
        let mut socket = RawSocket::open(http, "/v1/ws", None, 8 * 1024).await;
        socket.send(&frame(0x88, b"")).await;
        socket.end(PATIENCE).await;
    }
    let before = process.resident_bytes();
    let pings = frame(0x89, &[b'x'; 125]).repeat(1_000);
    let mut flooding = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let pings = pings.clone();
        flooding.spawn(async move {
            let mut socket = RawSocket::open(http, "/v1/ws", None, 8 * 1024).await;
            for _ in 0..PINGS_BYTES / pings.len() {
                // Who has been cut off has nobody to send to.
                if !matches!(timeout(PATIENCE, socket.stream.write_all(&pings)).await, Ok(Ok(()))) {
                    break;
                }
            }
            socket
        });
    }
    let (mut most, started) = (before, Instant::now());
    while !flooding.is_empty() && started.elapsed() < PATIENCE {
        most = most.max(process.resident_bytes());
        tokio::select! {
            _ = flooding.join_next() => {}
            () = sleep(Duration::from_millis(20)) => {}
        }
    }
    let growth = most - before;
    println!("{} KiB for {CLIENTS} clients", growth / 1024);
    assert!(growth <= GROWTH_MAX_BYTES, "{growth} bytes for {CLIENTS} clients");
}
