//! Nothing outlives the kit's owner, however it ends.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use madang_test_kit::{Durability, Home, PostgresServer, Process, ProcessSpec, RedisServer, Signal};

/// The guardian needs milliseconds; this is for a busy machine.
const CLEANUP_DEADLINE: Duration = Duration::from_secs(20);

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < CLEANUP_DEADLINE, "{what} after {CLEANUP_DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that work inside a directory.
fn inside(directory: &Path) -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(Result::ok)
        .filter(|process| {
            std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory))
        })
        .filter_map(|process| std::fs::read_to_string(process.path().join("comm")).ok())
        .collect()
}

/// A stand-in for a test process: it owns a PostgreSQL and a Redis whose directories are in `temporary`, and waits for
/// the end of its standard input.
fn owner(temporary: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_with-servers"))
        .args(["sh", "-c", "echo ready; read -r _"])
        .env("TMPDIR", temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

/// A directory that PostgreSQL's account may enter, too.
fn open_directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn entries(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[test]
fn a_killed_owner_leaves_no_server_and_no_directory() {
    let temporary = open_directory();
    let mut owner = owner(temporary.path());
    assert_eq!(entries(temporary.path()), 2);
    assert!(inside(temporary.path()).len() > 2, "PostgreSQL has several processes");

    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("processes remain", || inside(temporary.path()).is_empty());
    eventually("directories remain", || entries(temporary.path()) == 0);
}

#[test]
fn an_owner_that_ends_well_has_cleaned_up_before() {
    let temporary = open_directory();
    let mut owner = owner(temporary.path());
    drop(owner.stdin.take());
    // `read` fails at the end of its input: the command's status is the owner's.
    assert_eq!(owner.wait().unwrap().code(), Some(1));
    assert_eq!(inside(temporary.path()), Vec::<String>::new());
    assert_eq!(entries(temporary.path()), 0);
}

#[tokio::test]
async fn a_drop_ends_paused_servers_too() {
    let postgres = PostgresServer::start(Durability::Fast).await.unwrap();
    let redis = RedisServer::start().await.unwrap();
    let addresses = [postgres.address(), redis.address()];
    postgres.pause();
    redis.pause();
    drop((postgres, redis));
    assert!(addresses.iter().all(|address| madang_test_kit::is_free(address.port())));
}

#[tokio::test]
async fn a_process_that_ends_early_is_noticed_at_once_and_shows_its_log() {
    let home = Home::create("early", None).unwrap();
    let process = Process::spawn(ProcessSpec {
        name: "unhappy".to_owned(),
        program: "/bin/sh".into(),
        arguments: ["-c", "echo the reason is \"$WORD\"; echo \"${HOME-nothing} inherited\"; exit 3"]
            .map(Into::into)
            .into(),
        environment: vec![("WORD".to_owned(), "this".to_owned())],
        directory: home.path().to_owned(),
        log: home.join("log"),
        account: None,
        stop_signal: Signal::TERM,
    })
    .unwrap();
    let started = Instant::now();
    let error =
        process.ready(Duration::from_secs(60), || async { Err::<(), _>("not yet") }).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20));
    let message = error.to_string();
    assert!(message.contains("the reason is this") && message.contains("exit status: 3"), "{message}");
    assert!(message.contains("nothing inherited"), "{message}");
}
