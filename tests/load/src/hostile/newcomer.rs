//! Honest clients that come while an attack goes on: whether they are let in, and how long that takes.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    fleet::{Fleet, Plan, Seat},
    measure::histogram::Histogram,
};

/// How often one comes.
const EVERY: Duration = Duration::from_millis(200);
/// One that is not subscribed by then was turned away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of them.
#[derive(Debug, Clone, Default)]
pub struct NewcomersOutcome {
    /// From the connect to the end of the subscription's catch-up.
    pub subscribed: Histogram,
    /// Those who were not let in.
    pub turned_away: u64,
}

/// One honest client after the other, on a thread of its own.
#[derive(Debug)]
pub struct Newcomers {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<NewcomersOutcome>,
}

impl Newcomers {
    /// Begins. They use the gateways in turn, one account and one room.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(gateways: Vec<SocketAddr>, token: Arc<str>, room: Arc<str>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("newcomers".to_owned()).spawn(move || {
            let mut outcome = NewcomersOutcome::default();
            for server in (0..gateways.len()).cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let plan = Plan {
                    servers: gateways.clone(),
                    tokens: vec![Arc::clone(&token)],
                    rooms: vec![Arc::clone(&room)],
                    seats: vec![Seat { server, account: 0, room: 0 }],
                };
                let since = Instant::now();
                match Fleet::open(plan, PATIENCE) {
                    Ok(fleet) => {
                        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                        outcome.subscribed.record_us(micros);
                        // It goes whether or not its good-bye is heard.
                        let _ = fleet.close();
                    }
                    Err(_) => outcome.turned_away += 1,
                }
                std::thread::sleep(EVERY.saturating_sub(since.elapsed()));
            }
            outcome
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends.
    ///
    /// # Errors
    /// When the thread panicked.
    pub fn finish(self) -> io::Result<NewcomersOutcome> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| io::Error::other("the newcomers' thread panicked"))
    }
}
