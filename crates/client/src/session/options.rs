//! How a session behaves.

use std::time::Duration;

use madang_domain::Cursor;
use madang_flow_control::Backoff;

use crate::socket::ConnectOptions;

/// The bound of the first pause between tries, and the bound that no pause exceeds.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(10);

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Each handshake.
    pub connect: ConnectOptions,
    /// The pause between tries, where the server names none.
    pub backoff: Backoff,
    /// Events that wait to be taken. When it is full, the socket is read no further; a server may then
    /// close it as too slow, and the session resumes from its cursors.
    pub event_queue: usize,
    /// Sends that may be on their way at once; the next one waits.
    pub unacknowledged_max: usize,
    /// How long a send may take, over all its tries.
    pub send_deadline: Duration,
    /// How long a server may leave a request without an answer before the connection counts as dead.
    pub answer_deadline: Duration,
    /// Where the user's inbox is to be followed from; none means from now.
    pub inbox: Option<Cursor>,
    /// The seed of keys and delays, for repeatable tests; none means the system's randomness.
    pub seed: Option<u64>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            connect: ConnectOptions::default(),
            backoff: Backoff::full_jitter(RETRY_PAUSE, RETRY_PAUSE_MAX),
            event_queue: 1_024,
            unacknowledged_max: 256,
            send_deadline: Duration::from_secs(30),
            answer_deadline: Duration::from_secs(10),
            inbox: None,
            seed: None,
        }
    }
}
