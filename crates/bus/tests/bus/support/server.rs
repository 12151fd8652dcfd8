//! A redis-server of one test.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

/// A redis-server on a free port, without persistence, that ends with the value.
pub(crate) struct RedisServer {
    port: u16,
    child: Option<Child>,
    directory: tempfile::TempDir,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    pub(crate) fn start() -> Self {
        // Another process may take a free port before Redis does: then another port.
        for _ in 0..10 {
            let mut server = Self::absent();
            if server.try_start() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    /// A place where there is none yet.
    pub(crate) fn absent() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, child: None, directory: tempfile::tempdir().unwrap() }
    }

    /// Starts it where there is none, with what was saved.
    pub(crate) fn start_again(&mut self) {
        assert!(self.try_start(), "redis-server does not start on its port");
    }

    fn try_start(&mut self) -> bool {
        let mut child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(self.directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0) {
            if line.contains("Ready to accept connections") {
                // A full pipe would stop Redis.
                std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
                self.child = Some(child);
                return true;
            }
            line.clear();
        }
        child.wait().unwrap();
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// `SIGSTOP`: connections stay open, nothing answers.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// A connection beside the bus.
    pub(crate) async fn client(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Runs a command beside the bus.
    pub(crate) async fn run<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut client = self.client().await;
        redis::cmd(command[0]).arg(&command[1..]).query_async(&mut client).await.unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
