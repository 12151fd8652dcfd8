//! The stage: the gateways and rooms of a run, for those who come and go in it.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use madang_client::{Client as Api, Error as ApiError};
use madang_domain::RoomId;
use tokio::time::{Instant, sleep};

use super::{Tally, people::Person, retry::passes};
use crate::watch::Watch;

/// Between two tries of a request that was refused for now, or not answered.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// When a request, or a subscription, is given up.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// What clients start in, and the cast acts on.
pub(super) struct Stage {
    pub(super) rooms: Vec<RoomId>,
    /// Who made each room.
    pub(super) owners: Vec<Person>,
    pub(super) addresses: Vec<SocketAddr>,
    /// The API of each gateway, in nobody's name.
    pub(super) gateways: Vec<Api>,
    pub(super) token_life: Duration,
    pub(super) tally: Arc<Tally>,
    pub(super) watch: Watch,
}

impl Stage {
    /// Asks one gateway after the other until one answers; says why that did not happen.
    pub(super) async fn answered<T, Answer>(
        &self,
        what: &str,
        first: usize,
        ask: impl Fn(Api) -> Answer,
    ) -> std::result::Result<T, String>
    where
        Answer: Future<Output = std::result::Result<T, ApiError>>,
    {
        let until = Instant::now() + GIVE_UP_AFTER;
        let mut tries = first;
        loop {
            let gateway = self.gateways[tries % self.gateways.len()].clone();
            match ask(gateway).await {
                Ok(answer) => return Ok(answer),
                Err(error) if !passes(&error) || Instant::now() >= until => {
                    return Err(format!("{what}: {error}"));
                }
                Err(_) => sleep(RETRY_AFTER).await,
            }
            tries += 1;
        }
    }
}
