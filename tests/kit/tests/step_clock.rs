//! A clock that is stepped under a running program.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use madang_test_kit::{Error, StepClock};

/// The machine's clock may be a second further when it is looked at again, and a step is seen late.
const SLACK_SECONDS: i64 = 5;

/// Between two looks at what nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[test]
fn a_running_program_sees_each_step() {
    let directory = tempfile::tempdir().unwrap();
    let clock = match StepClock::new(directory.path().join("clock")) {
        Err(Error::NoFakeTime) => return,
        clock => clock.unwrap(),
    };
    // One program, that tells the time whenever it is asked.
    let mut program = Command::new("bash")
        .args(["-c", "while read -r _; do printf '%(%s)T\\n' -1; done"])
        .envs(clock.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut ask, mut answers) =
        (program.stdin.take().unwrap(), std::io::BufReader::new(program.stdout.take().unwrap()));
    let mut now = || -> i64 {
        use std::io::{BufRead as _, Write as _};
        ask.write_all(b"\n").unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    };
    let start = now();
    for offset in [3_600, -3_600, 0] {
        clock.step(offset).unwrap();
        // The library looks again when it is asked for the time, as a program that lives does now and then.
        let until = Instant::now() + StepClock::SEEN_WITHIN;
        while !(0..=SLACK_SECONDS).contains(&(now() - start - offset)) {
            assert!(Instant::now() < until, "{offset}: {}", now() - start);
            std::thread::sleep(LOOK_EVERY);
        }
    }
    drop(ask);
    program.wait().unwrap();
}
