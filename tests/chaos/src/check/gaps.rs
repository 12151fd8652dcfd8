//! The longest times without service, whatever was done to the cluster meanwhile.

use std::{collections::HashMap, time::Duration};

use crate::{
    history::{ClientHistory, History, Outcome, RoomIndex},
    watch::Moment,
};

/// The longest times without service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gaps {
    /// From the moment in which a message was due to be sent to its acknowledgement.
    pub unacknowledged: Duration,
    /// In which nothing at all was acknowledged.
    pub silent: Duration,
    /// From the loss of a socket until its client listened to a room of it again.
    pub away: Duration,
}

impl Gaps {
    /// Measures them.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let sent = history.clients.iter().flat_map(|client| &client.sent);
        let mut acknowledged: Vec<(Moment, Moment)> = sent
            .filter_map(|attempt| match attempt.outcome {
                Outcome::Acknowledged { at, .. } => Some((at, attempt.at)),
                Outcome::Unknown | Outcome::Refused(_) | Outcome::Ended => None,
            })
            .collect();
        let waited = acknowledged.iter().map(|(at, due)| at.since(*due));
        let unacknowledged = waited.max().unwrap_or_default();
        acknowledged.sort_unstable();
        let silences = acknowledged.windows(2).filter_map(|pair| match pair {
            [(before, _), (after, _)] => Some(after.since(*before)),
            _ => None,
        });
        let silent = silences.max().unwrap_or_default();
        let away = history.clients.iter().flat_map(absences).max().unwrap_or_default();
        Self { unacknowledged, silent, away }
    }
}

/// How long a client was without each of its rooms, as often as it was. A client that has ended comes back to none.
fn absences(client: &ClientHistory) -> Vec<Duration> {
    let mut absences = Vec::new();
    let mut lost: HashMap<RoomIndex, Moment> = HashMap::new();
    for listening in &client.listening {
        match listening.room {
            None => {
                for room in &client.rooms {
                    lost.entry(*room).or_insert(listening.at);
                }
            }
            Some(room) => absences.extend(lost.remove(&room).map(|since| listening.at.since(since))),
        }
    }
    absences
}

#[cfg(test)]
mod tests {
    use madang_domain::UserId;
    use uuid::Uuid;

    use super::*;
    use crate::history::{Attempt, Listening};

    fn at(seconds: u64) -> Moment {
        Moment::after(Duration::from_secs(seconds))
    }

    fn client() -> ClientHistory {
        ClientHistory::new(UserId::new(Uuid::from_u128(1)), vec![0, 1])
    }

    #[test]
    fn the_longest_wait_and_the_longest_silence_are_found() {
        let mut client = client();
        for (due, acknowledged) in [(1, Some(2)), (3, Some(9)), (4, None), (10, Some(11))] {
            let outcome = acknowledged
                .map_or(Outcome::Unknown, |seconds| Outcome::Acknowledged { seq: 1, at: at(seconds) });
            client.sent.push(Attempt { room: 0, key: "a".into(), at: at(due), once: false, outcome });
        }
        let gaps = Gaps::of(&History { clients: vec![client], ..History::default() });
        assert_eq!((gaps.unacknowledged.as_secs(), gaps.silent.as_secs()), (6, 7));
    }

    #[test]
    fn a_client_is_away_until_it_listens_to_its_last_room_again() {
        let mut client = client();
        let events =
            [(0, Some(0)), (0, Some(1)), (5, None), (6, None), (7, Some(0)), (9, Some(1)), (20, None)];
        for (seconds, room) in events {
            client.listening.push(Listening { room, at: at(seconds) });
        }
        let gaps = Gaps::of(&History { clients: vec![client], ..History::default() });
        assert_eq!(gaps.away.as_secs(), 4);
    }
}
