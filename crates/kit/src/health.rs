//! Readiness: whether this process should be given work now, and why not.
//!
//! Liveness is another question, and has no state: a process that answers `/livez` lives. It never
//! depends on Redis, PostgreSQL or another service, for restarting this process would not mend them.

use std::{borrow::Cow, sync::Arc};

use serde::Serialize;
use tokio::sync::watch;

/// What readiness depends on: named checks, and whether the process drains. Clones share their state.
#[derive(Debug, Clone)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

/// A snapshot of [`Readiness`], as `/readyz` shows it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct State {
    /// True once the process has begun to shut down.
    pub draining: bool,
    /// Every check, in the order of their making.
    pub checks: Vec<CheckState>,
    #[serde(skip)]
    next_key: u64,
}

/// One check's state.
#[derive(Debug, Clone, Serialize)]
pub struct CheckState {
    /// What is checked, such as `postgres`.
    pub name: Cow<'static, str>,
    /// Why it fails; absent when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<Cow<'static, str>>,
    #[serde(skip)]
    key: u64,
}

impl State {
    /// Whether the process should be given work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.iter().all(|check| check.failing.is_none())
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Ready, until a check says otherwise.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Adds a check. It fails ("has not reported yet") until its owner reports, and goes when its owner
    /// drops it. Several may have one name (two services in one process, each with its database).
    #[must_use]
    pub fn check(&self, name: impl Into<Cow<'static, str>>) -> Check {
        self.check_failing(name, "has not reported yet")
    }

    /// Adds a check that fails for a reason until its owner reports. That reason is expected, and not logged.
    #[must_use]
    pub fn check_failing(&self, name: impl Into<Cow<'static, str>>, reason: &'static str) -> Check {
        let name = name.into();
        let mut key = 0;
        self.state.send_modify(|state| {
            key = state.next_key;
            state.next_key += 1;
            let failing = Some(Cow::Borrowed(reason));
            state.checks.push(CheckState { name, failing, key });
        });
        Check { state: Arc::clone(&self.state), key }
    }

    /// From now on not ready, for good: the process shuts down.
    pub fn drain(&self) {
        self.state.send_if_modified(|state| !std::mem::replace(&mut state.draining, true));
    }

    /// Whether the process should be given work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    /// The whole state.
    #[must_use]
    pub fn snapshot(&self) -> State {
        self.state.borrow().clone()
    }

    /// Follows the state; it is woken by changes alone, not by repeated reports.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }
}

/// One thing that readiness depends on; its owner reports through it. Dropping it removes the check.
#[derive(Debug)]
pub struct Check {
    state: Arc<watch::Sender<State>>,
    key: u64,
}

impl Check {
    /// Reports that it holds.
    pub fn ready(&self) {
        self.report(None);
    }

    /// Reports that it does not hold, and why: a sentence for an operator, without secrets.
    pub fn failing(&self, reason: impl Into<Cow<'static, str>>) {
        self.report(Some(reason.into()));
    }

    fn report(&self, failing: Option<Cow<'static, str>>) {
        self.state.send_if_modified(|state| {
            let Some(check) = state.checks.iter_mut().find(|check| check.key == self.key) else {
                return false;
            };
            if check.failing == failing {
                return false;
            }
            match &failing {
                Some(reason) => tracing::warn!(check = %check.name, %reason, "not ready"),
                None => tracing::info!(check = %check.name, "ready"),
            }
            check.failing = failing;
            true
        });
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.state.send_modify(|state| state.checks.retain(|check| check.key != self.key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_every_check_holds() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());
        let postgres = readiness.check("postgres");
        assert!(!readiness.is_ready(), "a check that has not reported does not hold");
        postgres.ready();
        assert!(readiness.is_ready());
        let redis = readiness.check("redis");
        redis.failing("connection refused");
        assert!(!readiness.is_ready());
        assert_eq!(readiness.snapshot().checks[1].failing.as_deref(), Some("connection refused"));
        drop(redis);
        assert!(readiness.is_ready());
    }

    #[test]
    fn checks_of_one_name_are_apart() {
        let readiness = Readiness::new();
        let (one, two) = (readiness.check("postgres"), readiness.check("postgres"));
        one.ready();
        assert!(!readiness.is_ready());
        two.ready();
        assert!(readiness.is_ready());
    }

    #[tokio::test]
    async fn watchers_wake_for_changes_alone_and_draining_is_for_good() {
        let readiness = Readiness::new();
        let check = readiness.check("bus");
        check.ready();
        let mut watch = readiness.watch();
        check.ready();
        assert!(!watch.has_changed().unwrap());
        readiness.drain();
        watch.changed().await.unwrap();
        assert!(!watch.borrow_and_update().is_ready());
        check.ready();
        assert!(!readiness.is_ready());
    }
}
