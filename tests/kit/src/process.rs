//! A child process that tests start, watch, pause, kill and start again.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::fchown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::{Error, Result};
use crate::log_tail::log_tail;
use crate::process_tree::{Member, Usage, any_runs, tree_of, usage_of};
use crate::programs::Account;

/// Between two looks at a process that is to become ready or to end.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a process that was asked to end may take before a drop kills it.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// How long SIGKILL may take to show, on a machine that is busy.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Everything that it takes to start a process, and to start it again.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// The name that messages use.
    pub name: String,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment: nothing is inherited, so that a developer's settings cannot change a test.
    pub environment: Vec<(String, String)>,
    /// Its working directory. Inside a [`Home`](crate::Home), whose guardian ends what runs there.
    pub directory: PathBuf,
    /// The file to which its output is appended.
    pub log: PathBuf,
    /// The account to run as, where that is not this process's own.
    pub account: Option<Account>,
    /// The signal that asks it to end in good order.
    pub stop_signal: Signal,
}

/// A child process. Dropping it asks it to end, waits, and kills it after five seconds.
pub struct Process {
    spec: ProcessSpec,
    /// Signals are sent and children reaped under this lock only: a process id is never used after it was reaped,
    /// when the system may have given it to another process.
    child: Mutex<State>,
}

struct State {
    child: Child,
    exit: Option<ExitStatus>,
    /// What was started last, where it is another program than that of the specification.
    replacement: Option<PathBuf>,
}

impl Process {
    /// Starts the process.
    ///
    /// # Errors
    /// When the log cannot be opened or the program not started.
    pub fn spawn(spec: ProcessSpec) -> Result<Self> {
        let child = spawn(&spec, None)?;
        Ok(Self { spec, child: Mutex::new(State { child, exit: None, replacement: None }) })
    }

    /// The name that messages use.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The file that holds its output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// The process id of the running, or of the last, incarnation.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.state().child.id()
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn exit_status(&self) -> Result<Option<ExitStatus>> {
        self.state().poll().map_err(Error::io(format!("wait for {}", self.name())))
    }

    /// Whether it runs (a paused process does).
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.exit_status(), Ok(None))
    }

    /// Waits until `probe` succeeds. Fails at once, with the end of the log, when the process ends before.
    ///
    /// # Errors
    /// [`Error::Exited`], or [`Error::TimedOut`] with what the probe said last.
    pub async fn ready<Probe, Attempt, Reason>(&self, within: Duration, probe: Probe) -> Result<()>
    where
        Probe: Fn() -> Attempt,
        Attempt: Future<Output = std::result::Result<(), Reason>>,
        Reason: fmt::Display,
    {
        let started = Instant::now();
        loop {
            if let Some(status) = self.exit_status()? {
                return Err(self.exited_error(status));
            }
            let remaining = within.saturating_sub(started.elapsed());
            let reason = match tokio::time::timeout(remaining, probe()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(reason)) => reason.to_string(),
                Err(_elapsed) => "the last attempt did not answer".to_owned(),
            };
            if started.elapsed() >= within {
                return Err(self.timed_out("ready", within, reason));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until the process has ended.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub async fn exited(&self, within: Duration) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            if started.elapsed() >= within {
                return Err(self.timed_out("gone", within, "it still runs".to_owned()));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Asks the process to end and waits for it.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when it does not end; it is left running.
    pub async fn stop(&self, within: Duration) -> Result<ExitStatus> {
        self.signal(self.spec.stop_signal);
        self.resume();
        self.exited(within).await
    }

    /// SIGKILL to the process and its descendants, as a lost machine would do it; returns when all are gone, and with
    /// them their sockets. Harmless when it had ended.
    ///
    /// # Errors
    /// When one of them is not gone after ten seconds.
    pub async fn kill9(&self) -> Result<()> {
        let started = Instant::now();
        let tree = self.signal_tree(Signal::KILL);
        self.signal_group(Signal::KILL);
        self.exited(KILL_PATIENCE).await?;
        while any_runs(&tree) {
            if started.elapsed() >= KILL_PATIENCE {
                return Err(self.timed_out("gone", KILL_PATIENCE, "a descendant still runs".to_owned()));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Starts it again, with the same arguments, environment and log. One that runs is killed first.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub async fn restart(&self) -> Result<()> {
        let replacement = self.state().replacement.clone();
        self.start_again(replacement).await
    }

    /// Starts another program in its place, with the same arguments, environment and log. One that runs is killed first.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub async fn replace(&self, program: PathBuf) -> Result<()> {
        self.start_again(Some(program)).await
    }

    async fn start_again(&self, replacement: Option<PathBuf>) -> Result<()> {
        self.kill9().await?;
        let child = spawn(&self.spec, replacement.as_deref())?;
        *self.state() = State { child, exit: None, replacement };
        Ok(())
    }

    /// Stops the process and its descendants from running (SIGSTOP): sockets stay open and nothing answers.
    pub fn pause(&self) {
        self.signal_tree(Signal::STOP);
    }

    /// Lets a paused process run on.
    pub fn resume(&self) {
        self.signal_tree(Signal::CONT);
    }

    /// Sends a signal to the process; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let mut state = self.state();
        if let Some(pid) = state.running_pid() {
            let _ = kill_process(pid, signal);
        }
    }

    /// CPU time and memory of the process with its descendants, those that have ended included in the CPU time.
    ///
    /// # Errors
    /// [`Error::NotRunning`].
    pub fn usage(&self) -> Result<Usage> {
        usage_of(self.pid())
            .filter(|_| self.is_running())
            .ok_or_else(|| Error::NotRunning { name: self.name().to_owned() })
    }

    fn signal_group(&self, signal: Signal) {
        let mut state = self.state();
        if let Some(pid) = state.running_pid() {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Sends a signal to the process and its descendants, and returns who they were.
    fn signal_tree(&self, signal: Signal) -> Vec<Member> {
        let mut state = self.state();
        let Some(root) = state.running_pid() else { return Vec::new() };
        let tree = tree_of(root.as_raw_nonzero().get().unsigned_abs());
        // Parents first: a paused PostgreSQL must not replace the backends that are paused next.
        for member in &tree {
            if let Some(pid) = i32::try_from(member.pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, signal);
            }
        }
        tree
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exited_error(&self, status: ExitStatus) -> Error {
        Error::Exited { name: self.name().to_owned(), status, log_tail: log_tail(self.log()) }
    }

    fn timed_out(&self, state: &'static str, waited: Duration, reason: String) -> Error {
        Error::TimedOut {
            name: self.name().to_owned(),
            state,
            waited,
            reason,
            log_tail: log_tail(self.log()),
        }
    }

    /// [`Self::exited`] for a drop, which cannot await.
    fn exits_within(&self, patience: Duration) -> bool {
        let started = Instant::now();
        while self.is_running() {
            if started.elapsed() >= patience {
                return false;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(self.spec.stop_signal);
        self.resume();
        if !self.exits_within(DROP_PATIENCE) {
            self.signal_group(Signal::KILL);
            self.exits_within(KILL_PATIENCE);
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Process")
            .field("name", &self.spec.name)
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}

impl State {
    fn poll(&mut self) -> std::io::Result<Option<ExitStatus>> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait()?;
        }
        Ok(self.exit)
    }

    /// The process id, if it still belongs to this child.
    fn running_pid(&mut self) -> Option<Pid> {
        match self.poll() {
            Ok(None) => Some(Pid::from_child(&self.child)),
            _ => None,
        }
    }
}

fn spawn(spec: &ProcessSpec, replacement: Option<&Path>) -> Result<Child> {
    let program = replacement.unwrap_or(&spec.program);
    let output = open_log(spec).map_err(Error::io(format!("open the log {}", spec.log.display())))?;
    let errors = output.try_clone().map_err(Error::io("duplicate a file"))?;
    let mut command = Command::new(program);
    command
        .args(&spec.arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&spec.directory)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        // A group of its own: a terminal's Ctrl-C is for the test, which then stops its processes in its own order.
        .process_group(0);
    if let Some(account) = spec.account {
        command.uid(account.user_id).gid(account.group_id);
    }
    command.spawn().map_err(Error::io(format!("start {} ({})", spec.name, program.display())))
}

fn open_log(spec: &ProcessSpec) -> std::io::Result<File> {
    let log = OpenOptions::new().create(true).append(true).open(&spec.log)?;
    if let Some(account) = spec.account {
        // nginx opens /dev/stdout again by its name, which asks for the file's own permissions.
        fchown(&log, Some(account.user_id), Some(account.group_id))?;
    }
    Ok(log)
}
