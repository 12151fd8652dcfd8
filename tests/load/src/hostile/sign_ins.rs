//! Honest users who sign in while an attack goes on: whether they can, and how long that takes.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::json;
use tokio::{
    runtime::Builder,
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};

use crate::measure::histogram::Histogram;

/// How often one signs in: far below what an address may.
const EVERY: Duration = Duration::from_millis(500);
/// One who has no answer by then was refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of them.
#[derive(Debug, Clone, Default)]
pub struct SignInsOutcome {
    /// From the request to the tokens.
    pub took: Histogram,
    /// Those who got no tokens.
    pub refused: u64,
}

/// One sign-in after the other, on a thread of its own.
#[derive(Debug)]
pub struct SignIns {
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<io::Result<SignInsOutcome>>,
}

impl SignIns {
    /// Begins. They use the gateways and the accounts in turn.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(
        gateways: Vec<SocketAddr>,
        usernames: Arc<[String]>,
        password: &'static str,
    ) -> io::Result<Self> {
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("sign-ins".to_owned()).spawn(move || {
            Builder::new_current_thread().enable_all().build()?.block_on(async move {
                let http =
                    Client::builder().timeout(PATIENCE).no_proxy().build().map_err(io::Error::other)?;
                let mut outcome = SignInsOutcome::default();
                let mut ticks = interval(EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                for (gateway, username) in gateways.iter().cycle().zip(usernames.iter().cycle()) {
                    tokio::select! {
                        _ = &mut stopped => break,
                        _ = ticks.tick() => {}
                    }
                    let body = json!({ "username": username, "password": password });
                    let since = Instant::now();
                    let request = http.post(format!("http://{gateway}/v1/auth/login")).json(&body);
                    match request.send().await {
                        Ok(answer) if answer.status().is_success() => {
                            let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                            outcome.took.record_us(micros);
                        }
                        Ok(_) | Err(_) => outcome.refused += 1,
                    }
                }
                Ok(outcome)
            })
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends.
    ///
    /// # Errors
    /// When there was no client, or the thread panicked.
    pub fn finish(self) -> io::Result<SignInsOutcome> {
        // One that has failed is not there to be told.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| io::Error::other("the thread of the sign-ins panicked"))?
    }
}
