//! A clock that is stepped under a running program.

use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use madang_test_kit::{StepClock, where_available};

/// Two clocks that tell whole seconds differ by as much.
const SLACK_SECONDS: i64 = 2;

/// Between two looks at what nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the program's answers begin with, among the words of the test runner.
const ANSWER: &str = "time ";

/// Not a test: the program that the test below starts, with this file's own binary. It tells the time whenever it is
/// asked.
#[test]
#[ignore = "a program for the other test"]
#[expect(clippy::disallowed_methods, reason = "the machine's clock is what this is about")]
fn a_program_that_tells_the_time() {
    for _ in stdin().lines() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        writeln!(stdout(), "\n{ANSWER}{}", now.as_secs()).unwrap();
    }
}

#[test]
fn a_running_program_sees_each_step() {
    let directory = tempfile::tempdir().unwrap();
    let Some(clock) = where_available(StepClock::new(directory.path().join("clock"))) else { return };
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_program_that_tells_the_time", "--ignored", "--nocapture"])
        .envs(clock.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ask = program.stdin.take().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut now = || -> i64 {
        ask.write_all(b"\n").unwrap();
        lines.find_map(|line| line.unwrap().strip_prefix(ANSWER)?.parse().ok()).unwrap()
    };
    let (start, started) = (now(), Instant::now());
    let mut is_off_by = |offset: i64| {
        let elapsed = i64::try_from(started.elapsed().as_secs()).unwrap();
        (now() - start - elapsed - offset).abs() <= SLACK_SECONDS
    };
    for offset in [3_600, -3_600, 0] {
        clock.step(offset).unwrap();
        // The library looks again when it is asked for the time, as a program that lives does now and then.
        let until = Instant::now() + StepClock::SEEN_WITHIN + LOOK_EVERY;
        while !is_off_by(offset) {
            assert!(Instant::now() < until, "a step to {offset} s is not seen");
            std::thread::sleep(LOOK_EVERY);
        }
    }
    assert!(clock.is_followed_by(program.id()));
    assert!(!clock.is_followed_by(std::process::id()));
    drop(ask);
    assert!(program.wait().unwrap().success());
}
