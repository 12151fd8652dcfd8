//! A whole process, with real signals. The test starts itself as that process; hence no test harness.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test without a harness")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use madang_kit::{Application, CommonSettings, Host, OpsSettings, Running, StartError};

/// Tells the process that it is the tested one.
const ROLE: &str = "KIT_TEST_PROCESS";

/// What the tested process does once it is told to stop.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Behaviour {
    Orderly,
    Stubborn,
    Panics,
    FailsToStart,
    StartsForEver,
}

/// A process to test.
#[derive(clap::Parser)]
struct Settings {
    #[command(flatten)]
    common: CommonSettings,
    #[command(flatten)]
    ops: OpsSettings,
    /// How to behave
    #[arg(long, value_enum)]
    behaviour: Behaviour,
}

impl Application for Settings {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn ops(&self) -> Option<&OpsSettings> {
        Some(&self.ops)
    }
}

async fn start(settings: Settings, host: Host) -> Result<Running, StartError> {
    let life = host.lifecycle.child("service");
    let soft = life.soft().clone();
    match settings.behaviour {
        Behaviour::Orderly => drop(life.tasks().spawn("work", async move { soft.cancelled().await })),
        Behaviour::Stubborn => drop(life.tasks().spawn("work", std::future::pending())),
        Behaviour::Panics => drop(life.tasks().spawn("work", async { panic!("broken") })),
        Behaviour::FailsToStart => return Err(StartError::setting("MADANG_DATA_DIR", "it is full")),
        Behaviour::StartsForEver => std::future::pending().await,
    }
    Ok(Running::new("service", life).listening("http", ([127, 0, 0, 1], 1).into()))
}

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        return madang_kit::run("madang-kit-test", start);
    }
    let stories: [(&str, fn()); 6] = [
        ("a signal ends it in order", a_signal_ends_it_in_order),
        ("a second signal cuts it short", a_second_signal_cuts_it_short),
        ("a panic ends it with a code", a_panic_ends_it_with_a_code),
        ("a failed start says why", a_failed_start_says_why),
        ("a start that waits can be ended", a_start_that_waits_can_be_ended),
        ("a mistake in a setting stops the start", a_mistake_in_a_setting_stops_the_start),
    ];
    for (name, story) in stories {
        story();
        println!("process: {name} ... ok");
    }
    ExitCode::SUCCESS
}

fn command(behaviour: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--behaviour", behaviour]).env(ROLE, "1").env("MADANG_OPS_ADDR", "127.0.0.1:0");
    command.env("MADANG_LOG_FORMAT", "json").stderr(Stdio::piped());
    command
}

/// A running process; it ends with the test.
struct Process {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
}

impl Process {
    fn start(behaviour: &str) -> Self {
        let mut child = command(behaviour).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads the log up to a line that holds `text`.
    fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "{text:?} is not in {seen}");
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn exit_code(mut self) -> Option<i32> {
        // The log is read to its end, so that the process never waits for us.
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn a_signal_ends_it_in_order() {
    let mut process = Process::start("orderly");
    let line = process.until("listens");
    assert!(line.contains("service listens: http 127.0.0.1:1, ops 127.0.0.1:"), "{line}");
    process.signal("TERM");
    process.until("shutting down");
    process.until("ended in order");
    assert_eq!(process.exit_code(), Some(0));
}

fn a_second_signal_cuts_it_short() {
    let mut process = Process::start("stubborn");
    let line = process.until("listens");
    let ops = line.rsplit("ops ").next().unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(get(ops, "/readyz").starts_with("HTTP/1.1 200"));
    process.signal("INT");
    process.until("shutting down");
    // It drains: alive, and not ready.
    assert!(get(ops, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(get(ops, "/livez").starts_with("HTTP/1.1 200"));
    process.signal("TERM");
    process.until("cutting it short");
    process.until("work had to be cut off");
    assert_eq!(process.exit_code(), Some(1));
}

fn a_panic_ends_it_with_a_code() {
    let mut process = Process::start("panics");
    let line = process.until("task panicked");
    assert!(line.contains("service/work") && line.contains("broken"), "{line}");
    assert_eq!(process.exit_code(), Some(1));
}

fn a_failed_start_says_why() {
    let mut process = Process::start("fails-to-start");
    process.until("MADANG_DATA_DIR: it is full");
    assert_eq!(process.exit_code(), Some(2), "a setting that cannot be used is a mistake in the settings");
}

fn a_start_that_waits_can_be_ended() {
    let process = Process::start("starts-for-ever");
    // Nothing is logged before the start is over; wait until the signal is handled at all.
    while !handles_sigterm(process.child.id()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    process.signal("TERM");
    assert_eq!(process.exit_code(), Some(0));
}

/// Whether the process has a handler for SIGTERM (bit 14 of the mask of caught signals).
fn handles_sigterm(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << 14) != 0
}

fn a_mistake_in_a_setting_stops_the_start() {
    let output = command("orderly").env("MADANG_OPS_ADR", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("unknown setting MADANG_OPS_ADR; did you mean MADANG_OPS_ADDR?"), "{text}");
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
