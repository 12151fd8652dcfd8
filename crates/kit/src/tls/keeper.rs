//! Keeps what the files hold, and follows them.

use std::{sync::Arc, time::Duration};

use arc_swap::{ArcSwap, Guard};
use madang_counters::instruments;
use madang_domain::Timestamp;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::{
    credentials::Credentials,
    error::CredentialError,
    files::{Contents, Files},
};
use crate::{Host, clock::Clock, lifecycle::with_causes, metrics::Described};

const NOT_AFTER: Described = Described::gauge(
    "madang.tls.certificate.not_after.timestamp",
    "s",
    "The end of the certificate in use, in seconds since 1970.",
)
.by(&["usage"]);

instruments! {
    /// What following the files has come to.
    pub(super) struct ReloadCounters {
        reloads: Counter = "madang.tls.reloads", "{reload}", "Certificates that replaced an earlier one without a restart.";
        failures: Counter = "madang.tls.failed_reloads", "{reload}",
            "Changed files of certificates that could not be used, so that the earlier certificate stayed.";
    }
}

/// What a use demands of credentials besides their own soundness.
pub(super) type Demand = Box<dyn Fn(&Credentials) -> Result<(), CredentialError> + Send + Sync>;

/// Keeps what the files held when they were last in order.
pub(super) struct Keeper {
    files: Files,
    demand: Demand,
    current: ArcSwap<Credentials>,
    /// How many times it has changed.
    generation: watch::Sender<u64>,
    counters: Arc<ReloadCounters>,
}

impl Keeper {
    /// Reads the files a first time.
    pub(super) async fn open(files: Files, demand: Demand, now: Timestamp) -> Result<Self, CredentialError> {
        let credentials = parse(files.read().await?, &demand, now)?;
        let (current, generation) = (ArcSwap::from_pointee(credentials), watch::Sender::new(0));
        Ok(Self { files, demand, current, generation, counters: Arc::default() })
    }

    pub(super) fn current(&self) -> Guard<Arc<Credentials>> {
        self.current.load()
    }

    /// Is told each time that they have changed.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Reads the files again at an interval, for as long as the host lives, and shows in its metrics when the certificate
    /// ends. `usage` tells it from others.
    pub(super) fn follow(self: &Arc<Self>, usage: &'static str, every: Duration, host: &Host) {
        host.metrics.export_by_label("usage", &[(usage, Arc::clone(&self.counters))]);
        let shown = Arc::clone(self);
        host.metrics.observe(NOT_AFTER, move |observer| {
            observer.observe(shown.current().not_after.as_seconds() as f64, &[usage]);
        });
        let (keeper, clock) = (Arc::clone(self), Arc::clone(&host.clock));
        host.lifecycle.tasks().spawn_background("certificates", async move {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut refused = None;
            loop {
                ticks.tick().await;
                keeper.look(usage, &mut refused, &*clock).await;
            }
        });
    }

    /// Looks at the files once.
    async fn look(&self, usage: &'static str, refused: &mut Option<Refused>, clock: &dyn Clock) {
        let outcome = match self.files.read().await {
            Ok(contents) if contents == self.current().contents => {
                *refused = None;
                return;
            }
            Ok(contents) => parse(contents, &self.demand, clock.now()),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(credentials) => {
                *refused = None;
                tracing::info!(usage, not_after = %credentials.not_after, "a new certificate is in use");
                self.current.store(Arc::new(credentials));
                self.generation.send_modify(|generation| *generation += 1);
                self.counters.reloads.add(1);
            }
            Err(error) => {
                let reason = with_causes(&error);
                match refused {
                    Some(earlier) if earlier.reason == reason && !earlier.is_told => {
                        earlier.is_told = true;
                        self.counters.failures.add(1);
                        let not_after = self.current().not_after;
                        tracing::error!(usage, %reason, %not_after, "a changed certificate cannot be used; the earlier one stays");
                    }
                    Some(earlier) if earlier.reason == reason => {}
                    _ => *refused = Some(Refused { reason, is_told: false }),
                }
            }
        }
    }
}

/// Why the files could not be used at the last look. It is told at the second look that finds the same: a certificate and
/// its key are two files, and for a moment they may be of two certificates.
struct Refused {
    reason: String,
    is_told: bool,
}

fn parse(contents: Contents, demand: &Demand, now: Timestamp) -> Result<Credentials, CredentialError> {
    let credentials = Credentials::parse(contents, now)?;
    demand(&credentials)?;
    Ok(credentials)
}
