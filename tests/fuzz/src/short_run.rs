//! The run of a target in `make test`: the corpus, then as many mutations as fit into a few seconds.

#![expect(clippy::print_stdout, reason = "a test that fails shows what it printed: the seed, and the input")]

use std::{
    env, fs, io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    time::{Duration, Instant},
};

use crate::{Target, corpus, mutation::Mutations};

/// The seed of a run that is given none. It is always the same, so that a change fails only by what it changes; `make fuzz`
/// looks for what is new.
const SEED: u64 = 1;
/// Another seed, and more mutations.
const SEED_VARIABLE: &str = "FUZZ_SEED";
const MUTATIONS_VARIABLE: &str = "FUZZ_MUTATIONS";
/// The mutations of one run.
const MUTATIONS: u64 = 10_000;
/// A run that is not done by then stops: another machine may be slower.
const RUN_MAX: Duration = Duration::from_secs(5);
/// The time of one input. What takes longer grows faster than its input, on any machine.
const INPUT_MAX: Duration = Duration::from_secs(5);

/// The most memory of the process that runs the targets, each in a thread. An input has at most a few KiB.
const MEMORY_MAX_KIB: u64 = 512 * 1024;

/// Runs a target. What fails is written into the directory `failures`.
///
/// # Errors
/// When the corpus cannot be read.
///
/// # Panics
/// Where something does not hold.
pub fn run(target: &Target, failures: &Path) -> io::Result<()> {
    let (inputs, words) = (corpus::inputs(target.name)?, corpus::words(target.name)?);
    for (name, input) in &inputs {
        checked(target, input, || format!("the input {name} of its corpus"));
    }
    let seed = number(SEED_VARIABLE).unwrap_or(SEED);
    let asked = number(MUTATIONS_VARIABLE);
    let mutations = Mutations::new(seed, &inputs, &words);
    let (began, mut done) = (Instant::now(), 0);
    while done < asked.unwrap_or(MUTATIONS) && (asked.is_some() || began.elapsed() < RUN_MAX) {
        let input = mutations.input(done);
        checked(target, &input, || {
            let path = failures.join(format!("{}-{seed}-{done}", target.name));
            let saved = fs::create_dir_all(failures).and_then(|()| fs::write(&path, &input));
            let place = saved.map_or_else(|error| error.to_string(), |()| path.display().to_string());
            format!("mutation {done} with {SEED_VARIABLE}={seed}, which is in {place}")
        });
        done += 1;
    }
    if let Some(memory_kib) = peak_kib() {
        assert!(memory_kib <= MEMORY_MAX_KIB, "{}: {memory_kib} KiB of memory", target.name);
    }
    let (inputs, seconds) = (inputs.len(), began.elapsed().as_secs_f64());
    println!(
        "{}: {inputs} inputs, {done} mutations with {SEED_VARIABLE}={seed}, {seconds:.1} s",
        target.name
    );
    Ok(())
}

/// The most memory that this process has had; none where the system does not tell.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Runs one input, and says which one it was if it fails.
fn checked(target: &Target, input: &[u8], which: impl Fn() -> String) {
    let began = Instant::now();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target.run(input))) {
        println!("{}: fails with {}: {}", target.name, which(), input.escape_ascii());
        resume_unwind(panic);
    }
    let took = began.elapsed();
    assert!(took <= INPUT_MAX, "{}: {took:?} for {}", target.name, which());
}
