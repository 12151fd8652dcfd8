//! What a person sees while a run lasts.

use std::{
    io::{IsTerminal as _, Write as _, stderr, stdout},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::task::JoinHandle;

use crate::{
    crowd::Tally,
    fault::{End, Injection},
};

/// Between two looks at the counts.
const REFRESH: Duration = Duration::from_millis(250);

const ERASE_LINE: &str = "\r\x1b[K";
const RED: &str = "31";
const GREEN: &str = "32";

/// A line on standard error that changes, where that is a terminal; and lines on standard output that stay.
#[derive(Debug)]
pub struct Screen {
    colour: bool,
    live: bool,
    quiet: bool,
    step: Arc<Mutex<String>>,
    following: Mutex<Option<JoinHandle<()>>>,
}

impl Screen {
    /// The terminal, or what stands in its place.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(false)
    }

    /// Nothing is shown: for tests.
    #[must_use]
    pub fn quiet() -> Self {
        Self::new(true)
    }

    fn new(quiet: bool) -> Self {
        Self {
            colour: !quiet && stdout().is_terminal(),
            live: !quiet && stderr().is_terminal(),
            quiet,
            step: Arc::default(),
            following: Mutex::default(),
        }
    }

    /// Says what is being done now.
    pub fn step(&self, what: &str) {
        what.clone_into(&mut self.step.lock().unwrap_or_else(PoisonError::into_inner));
        if self.live {
            // Nobody can be told that nobody can be told.
            let _ = write!(stderr(), "{ERASE_LINE}{what}");
        }
    }

    /// Shows the counts from now on.
    pub fn follow(&self, tally: &Arc<Tally>) {
        if !self.live {
            return;
        }
        let (tally, step) = (Arc::clone(tally), Arc::clone(&self.step));
        let following = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(REFRESH);
            loop {
                ticks.tick().await;
                let step = step.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
                let _ = write!(
                    stderr(),
                    "{ERASE_LINE}{step} | sent {} acknowledged {} delivered {}",
                    count(&tally.sent),
                    count(&tally.acknowledged),
                    count(&tally.delivered)
                );
            }
        });
        *self.following.lock().unwrap_or_else(PoisonError::into_inner) = Some(following);
    }

    /// Tells of a fault that is over.
    pub fn injection(&self, injection: &Injection, within: Duration) {
        let at = injection.began.since_start().as_secs_f64();
        let what = match &injection.end {
            End::Impossible(reason) => format!("cannot be injected: {reason}"),
            End::Over { complete: Some(took), marked, complaints, .. } => {
                let complaints: String =
                    complaints.iter().map(|complaint| format!("; {complaint}")).collect();
                let (took, marked) = (took.as_secs_f64(), marked.as_secs_f64());
                format!("complete after {took:.2} s (markers {marked:.2} s){complaints}")
            }
            End::Over { complete: None, .. } => "not complete".to_owned(),
        };
        let line = format!("{at:7.1} s  {:42} {what}", injection.fault.to_string());
        self.line(&match injection.in_time(within) {
            Some(false) => self.paint(RED, &line),
            Some(true) | None => line,
        });
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        if self.live {
            let _ = write!(stderr(), "{ERASE_LINE}");
        }
        // Written, not printed: a reader that has gone away is no reason to end the run.
        let _ = writeln!(stdout(), "{text}");
    }

    /// A line in the colour of its message.
    pub fn verdict(&self, passes: bool, text: &str) {
        self.line(&self.paint(if passes { GREEN } else { RED }, text));
    }

    /// Takes the changing line away.
    pub fn done(&self) {
        if let Some(following) = self.following.lock().unwrap_or_else(PoisonError::into_inner).take() {
            following.abort();
        }
        self.step("");
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.done();
    }
}
