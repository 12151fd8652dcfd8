//! Completeness: everybody has everything, and who is not there yet can come.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    crowd::{Client, Crowd, Heads, Whispers, outcome, people},
    error::Result,
    history::{Attempt, Outcome, RoomIndex},
    watch::Watch,
};

/// Without completeness for this long the run has failed, and there is no use in waiting on. Nobody's tokens are renewed
/// meanwhile; they outlast it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How many of those who miss something are named.
const MISSING_TOLD: usize = 10;

/// How many members of a room a marker names: as many as one message may.
const NAMED_MAX: usize = 20;

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
    /// The markers and whispers, with their senders.
    pub sent: Vec<(usize, Attempt)>,
}

/// Waits until every client has received everything: in quiet rooms the last of the whispers, which nothing
/// follows; in all others a marker that is sent now. Sessions hand out events in
/// order and without gaps, so that who has received the last one has received all before it. Markers name members, whose
/// inboxes are complete with the notice of it, likewise. And until somebody has
/// signed in at each gateway with a name and a password: those who are signed in do not need auth.
///
/// `others` are awaited besides the crowd's clients.
///
/// # Errors
/// When the task of a whisper panicked.
pub async fn complete(
    crowd: &Crowd,
    others: &[&Client],
    watch: Watch,
    round: usize,
    whispers: Option<Whispers>,
) -> Result<Completeness> {
    let started = Instant::now();
    let until = started + PATIENCE;
    let everywhere = whispers.is_none();
    let marked_rooms = (0..crowd.rooms().len()).filter(|room| everywhere || !crowd.is_quiet(*room));
    let marked = async {
        let marked = join_all(marked_rooms.map(|room| mark(crowd, watch, round, room, until))).await;
        (marked, started.elapsed())
    };
    let whispered = async {
        match whispers {
            Some(whispers) => whispers.stop().await,
            None => Ok(Vec::new()),
        }
    };
    let ((markers, marked), whispered, turned_away) = tokio::join!(marked, whispered, crowd.sign_in(until));
    let names = |client: usize, room: RoomIndex| {
        let marker = markers.iter().find(|marker| marker.sent.room == room && marker.named.contains(&client));
        marker.and_then(|marker| place(&marker.sent)).unwrap_or_default()
    };
    let mut sent: Vec<_> = markers.iter().map(|marker| (marker.client, marker.sent.clone())).collect();
    let unmarked: Vec<_> =
        sent.iter().filter(|(_, marker)| place(marker).is_none()).map(|(_, marker)| marker.room).collect();
    sent.extend(whispered?);
    let mut places = vec![0; crowd.rooms().len()];
    for (_, attempt) in &sent {
        if let (Some(seq), Some(last)) = (place(attempt), places.get_mut(attempt.room)) {
            *last = seq.max(*last);
        }
    }

    let clients = crowd.clients().iter().chain(others.iter().copied());
    let waits = clients.enumerate().map(|(number, client)| {
        let (places, names) = (&places, &names);
        async move {
            let mut heads = client.heads();
            let behind = |heads: &Heads| {
                client.rooms().iter().find_map(|room| {
                    let at = heads.rooms.get(room).copied().unwrap_or_default();
                    let place = places.get(*room).copied().unwrap_or_default();
                    let told = heads.mentions.get(room).copied().unwrap_or_default();
                    let named = names(number, *room);
                    match () {
                        () if at < place => Some(format!("is at {at} of {place} in room {room}")),
                        () if told < named => {
                            Some(format!("has no notice of {named} in room {room}, which names it"))
                        }
                        () => None,
                    }
                })
            };
            // An error is a client that has ended, with what it lacks.
            let _ = timeout_at(until, heads.wait_for(|heads| behind(heads).is_none())).await;
            let behind = behind(&heads.borrow());
            behind.map(|behind| format!("client {number} {behind}"))
        }
    });
    let mut missing: Vec<_> = join_all(waits).await.into_iter().flatten().collect();
    let turned_away = turned_away.into_iter();
    missing.extend(
        turned_away
            .map(|(gateway, refusal)| format!("nobody can sign in at gateway {}: {refusal}", gateway + 1)),
    );
    missing.extend(unmarked.iter().map(|room| format!("no marker was acknowledged in room {room}")));
    if missing.len() > MISSING_TOLD {
        let more = missing.len() - MISSING_TOLD;
        missing.truncate(MISSING_TOLD);
        missing.push(format!("and {more} more"));
    }
    let took = missing.is_empty().then(|| started.elapsed());
    Ok(Completeness { took, marked, missing, sent })
}

/// Where a message is, as far as its sender knows.
fn place(attempt: &Attempt) -> Option<u64> {
    match attempt.outcome {
        Outcome::Acknowledged { seq, .. } => Some(seq),
        Outcome::Unknown | Outcome::Refused(_) | Outcome::Ended => None,
    }
}

/// A marker.
struct Marker {
    /// Who sent it.
    client: usize,
    sent: Attempt,
    /// Whom it names.
    named: Vec<usize>,
}

/// Sends the marker of a room until it is acknowledged.
async fn mark(crowd: &Crowd, watch: Watch, round: usize, room: RoomIndex, until: Instant) -> Marker {
    let members = crowd.members(room);
    // Another member in each round.
    let client = members.get(round % members.len().max(1)).copied().unwrap_or_default();
    let others = members.iter().copied().cycle().skip(round % members.len().max(1)).take(members.len());
    let named: Vec<usize> = others.filter(|other| *other != client).take(NAMED_MAX).collect();
    let key = format!("marker-{round}");
    let text = named.iter().fold(key.clone(), |text, named| format!("{text} @{}", people::username(*named)));
    let at = watch.now();
    let mut known = Outcome::Unknown;
    if let (Some(speaker), Some(id)) = (crowd.clients().get(client), crowd.rooms().get(room)) {
        while Instant::now() < until {
            let send = speaker.session().send_with_key(*id, &text, &key);
            let Ok(answer) = timeout_at(until, send).await else { break };
            known = outcome(answer, watch);
            match known {
                Outcome::Acknowledged { .. } | Outcome::Ended => break,
                Outcome::Unknown | Outcome::Refused(_) => sleep(RETRY_AFTER).await,
            }
        }
    }
    let sent = Attempt { room, key: key.into(), at, once: false, outcome: known };
    Marker { client, sent, named }
}
