//! Completeness: everybody has everything.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    crowd::{Crowd, outcome},
    history::{Attempt, Outcome, RoomIndex},
    watch::Watch,
};

/// Without completeness for this long the run has failed, and there is no use in waiting on.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Before a refused marker is sent again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// What was measured.
#[derive(Debug)]
pub struct Completeness {
    /// How long it took until everybody had everything; none when it did not happen in time.
    pub took: Option<Duration>,
    /// How long it took until the marker of every room was acknowledged.
    pub marked: Duration,
    /// Who misses what, where it was not reached.
    pub missing: Vec<String>,
    /// The markers, with their senders.
    pub markers: Vec<(usize, Attempt)>,
}

/// Sends a marker into each room, and waits until every client has received the markers of all its rooms, and with
/// them, since sessions hand out events in order and without gaps, everything that was committed before.
pub async fn complete(crowd: &Crowd, watch: Watch, round: usize) -> Completeness {
    let started = Instant::now();
    let until = started + PATIENCE;
    let rooms = 0..crowd.rooms().len();
    let marked = join_all(rooms.map(|room| mark(crowd, watch, round, room, until))).await;
    let all_marked = started.elapsed();
    let (markers, places): (Vec<_>, Vec<_>) = marked.into_iter().unzip();

    let waits = crowd.clients().iter().enumerate().map(|(number, client)| {
        let places = &places;
        async move {
            let mut heads = client.heads();
            let behind = |heads: &crate::crowd::Heads| {
                let at = |room: &RoomIndex| heads.get(room).copied().unwrap_or_default();
                let lacks = |room: &&RoomIndex| match places.get(**room).copied().flatten() {
                    Some(place) => at(room) < place,
                    None => true,
                };
                client.rooms().iter().find(lacks).map(|room| (*room, at(room), places.get(*room).copied()))
            };
            let whole = timeout_at(until, heads.wait_for(|heads| behind(heads).is_none())).await;
            match whole {
                Ok(Ok(_)) => None,
                Ok(Err(_)) | Err(_) => {
                    let behind = behind(&client.heads().borrow());
                    behind.map(|(room, at, place)| match place.flatten() {
                        Some(place) => format!("client {number} is at {at} of {place} in room {room}"),
                        None => format!("no marker was acknowledged in room {room}"),
                    })
                }
            }
        }
    });
    let missing: Vec<_> = join_all(waits).await.into_iter().flatten().collect();
    let took = missing.is_empty().then(|| started.elapsed());
    Completeness { took, marked: all_marked, missing, markers }
}

/// Sends the marker of a room until it is acknowledged; returns it, with its place.
async fn mark(
    crowd: &Crowd,
    watch: Watch,
    round: usize,
    room: RoomIndex,
    until: Instant,
) -> ((usize, Attempt), Option<u64>) {
    let members = crowd.members(room);
    // Another member in each round.
    let client = members.get(round % members.len().max(1)).copied().unwrap_or_default();
    let key = format!("marker-{round}");
    let at = watch.now();
    let mut known = Outcome::Unknown;
    if let (Some(speaker), Some(id)) = (crowd.clients().get(client), crowd.rooms().get(room)) {
        while Instant::now() < until {
            let send = speaker.session().send_with_key(*id, &key, &key);
            let Ok(answer) = timeout_at(until, send).await else { break };
            known = outcome(answer, watch);
            match known {
                Outcome::Acknowledged { .. } | Outcome::Ended => break,
                Outcome::Unknown | Outcome::Refused(_) => sleep(RETRY_AFTER).await,
            }
        }
    }
    let place = match known {
        Outcome::Acknowledged { seq, .. } => Some(seq),
        Outcome::Unknown | Outcome::Refused(_) | Outcome::Ended => None,
    };
    ((client, Attempt { room, key: key.into(), at, outcome: known }), place)
}
