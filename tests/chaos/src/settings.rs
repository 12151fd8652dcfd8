//! What a run is made of.

use std::{path::PathBuf, time::Duration};

use crate::{fault::Kind, site::RedisShape};

/// The promise: after any single fault everybody is complete again within this of its end.
pub const COMPLETE_WITHIN: Duration = Duration::from_secs(5);

/// At the end, when nothing is broken, half of the arrivals in quiet rooms are faster than this, far from what a machine
/// that also carries the harness needs: beyond it, messages do not come by way of the bus, but are found by the sweep.
pub const FAST_WAY_MEDIAN_MAX: Duration = Duration::from_millis(500);

/// A run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where all that is random comes from: the same seed makes the same rooms, sends and faults.
    pub seed: u64,
    /// How long faults are injected.
    pub duration: Duration,
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
    /// The kinds of faults to draw from.
    pub kinds: Vec<Kind>,
    /// Settings of the gateways besides those that every run has.
    pub gateway_settings: Vec<(String, String)>,
    /// Completeness later than this after the end of a fault is a defect.
    pub complete_within: Duration,
    /// Where the report goes, and the logs.
    pub directory: PathBuf,
}

impl Settings {
    /// The settings of a long run on release binaries.
    #[must_use]
    pub fn new(seed: u64, duration: Duration) -> Self {
        Self {
            seed,
            duration,
            clients: 200,
            rooms: 20,
            rooms_each: 3,
            quiet_rooms: 40,
            messages_a_second: if cfg!(debug_assertions) { 40.0 } else { 200.0 },
            redis: RedisShape::Single,
            kinds: Kind::all_of(RedisShape::Single),
            gateway_settings: Vec::new(),
            complete_within: COMPLETE_WITHIN,
            directory: PathBuf::from("data/chaos"),
        }
    }
}
