//! What a run is made of.

use std::{path::PathBuf, time::Duration};

use crate::{fault::Kind, redis_shape::RedisShape};

/// The promise: after any single fault everybody is complete again within this of its end.
pub const COMPLETE_WITHIN: Duration = Duration::from_secs(5);

/// After any single fault every gateway knows within this of its end who is in each room.
pub const PRESENT_WITHIN: Duration = Duration::from_secs(5);

/// At the end, when nothing is broken, half of the arrivals in quiet rooms are faster than this, far from what a machine
/// that also carries the harness needs: beyond it, messages do not come by way of the bus, but are found by the sweep.
pub const FAST_WAY_MEDIAN_MAX: Duration = Duration::from_millis(500);

/// How long a run injects faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// For as long.
    For(Duration),
    /// Until each kind has come so many times.
    Rounds(usize),
}

/// The life of an access token where nobody renews it: a day.
const TOKEN_LIFE_LONG: Duration = Duration::from_secs(86_400);

/// The life of an access token where everybody renews it: those who are not renewed end before the run does.
const TOKEN_LIFE_SHORT: Duration = Duration::from_secs(60);

/// A run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where all that is random comes from: the same seed makes the same rooms, sends and faults.
    pub seed: u64,
    /// How long faults are injected.
    pub length: Length,
    /// Clients, spread over the gateways.
    pub clients: usize,
    /// Rooms, over which the clients are spread.
    pub rooms: usize,
    /// Rooms of each client, at most as many as there are.
    pub rooms_each: usize,
    /// Rooms besides, in which something is said only while a fault begins or lasts; see [`crate::crowd::Whispers`].
    pub quiet_rooms: usize,
    /// Messages a second of all clients together.
    pub messages_a_second: f64,
    /// How many servers Redis is.
    pub redis: RedisShape,
    /// The directory of the services' binaries; none for that of this program.
    pub binaries: Option<PathBuf>,
    /// The kinds of faults to draw from.
    pub kinds: Vec<Kind>,
    /// Settings of the gateways besides those that every run has.
    pub gateway_settings: Vec<(String, String)>,
    /// How long an access token is good.
    pub token_life: Duration,
    /// How long after a removal, or a revocation, a gateway may still deliver, where that is longer than is promised
    /// otherwise.
    pub removed_within: Option<Duration>,
    /// Completeness later than this after the end of a fault is a defect.
    pub complete_within: Duration,
    /// Where the report goes, and the logs.
    pub directory: PathBuf,
}

impl Settings {
    /// The settings of a long run on release binaries.
    #[must_use]
    pub fn new(seed: u64, length: Length) -> Self {
        Self {
            seed,
            length,
            clients: 200,
            rooms: 20,
            rooms_each: 3,
            quiet_rooms: 40,
            messages_a_second: if cfg!(debug_assertions) { 40.0 } else { 200.0 },
            redis: RedisShape::Single,
            binaries: None,
            kinds: Kind::all_of(RedisShape::Single),
            gateway_settings: Vec::new(),
            token_life: TOKEN_LIFE_LONG,
            removed_within: None,
            complete_within: COMPLETE_WITHIN,
            directory: PathBuf::from("data/chaos"),
        }
    }

    /// The same with tokens that have to be renewed; as it is where a clock may be an hour wrong, which ends them rightly.
    #[must_use]
    pub fn with_short_tokens(self) -> Self {
        let token_life = if self.steps_clocks() { self.token_life } else { TOKEN_LIFE_SHORT };
        Self { token_life, ..self }
    }

    /// Whether some fault steps a clock.
    #[must_use]
    pub fn steps_clocks(&self) -> bool {
        [Kind::ClockForward, Kind::ClockBack].iter().any(|kind| self.kinds.contains(kind))
    }
}
