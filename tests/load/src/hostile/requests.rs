//! Attacks by requests.

use std::{io, sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder};
use tokio::task::JoinSet;

use super::aim::{ATTACKER, Aim, Counts, TICKS_PER_SECOND, ticks};

const KEYS_PER_SECOND: u32 = 2_000;
const MEMBERSHIPS_PER_SECOND: u32 = 200;
/// Requests on their way: past it the attack waits for the servers.
const IN_FLIGHT_MAX: usize = 128;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Shows API keys that never existed.
pub(super) async fn made_up_keys(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client()?;
    requests(counts, KEYS_PER_SECOND, |number| {
        let url = format!("http://{}/v1/server/users/nobody/disconnect", aim.gateway(number));
        // As long as real ones, each another.
        http.post(url).bearer_auth(format!("mdk_{number:043}"))
    })
    .await
}

/// Joins and leaves a public room.
pub(super) async fn joins_and_leaves(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client()?;
    requests(counts, MEMBERSHIPS_PER_SECOND, |number| {
        let what = if number % 2 == 0 { "join" } else { "leave" };
        let url = format!("http://{}/v1/rooms/{}/{what}", aim.gateway(number), aim.public_room);
        http.post(url).bearer_auth(&aim.token)
    })
    .await
}

fn client() -> io::Result<Client> {
    let client = Client::builder().local_address(ATTACKER).timeout(REQUEST_TIMEOUT).no_proxy().build();
    client.map_err(io::Error::other)
}

async fn requests(
    counts: &Arc<Counts>,
    per_second: u32,
    mut request: impl FnMut(usize) -> RequestBuilder,
) -> io::Result<()> {
    let mut in_flight = JoinSet::new();
    let mut ticks = ticks();
    let mut number = 0;
    loop {
        ticks.tick().await;
        for _ in 0..per_second / TICKS_PER_SECOND {
            while in_flight.try_join_next().is_some() {}
            if in_flight.len() >= IN_FLIGHT_MAX {
                break;
            }
            let (request, counts) = (request(number), Arc::clone(counts));
            number += 1;
            in_flight.spawn(async move {
                if let Ok(answer) = request.send().await {
                    counts.done();
                    if !answer.status().is_success() {
                        counts.refused();
                    }
                }
            });
        }
    }
}
