//! What was sent: acknowledged once, in the log once, at the same place.

use std::collections::HashMap;

use madang_domain::UserId;

use super::{Defect, Verdict};
use crate::{
    history::{History, Logged, Outcome, RoomIndex},
    watch::Moment,
};

/// Where each key of a room's senders stands.
type Places<'a> = HashMap<(UserId, &'a str), Vec<u64>>;

pub(super) fn judge(history: &History, logs: &[Vec<Logged>], verdict: &mut Verdict) {
    let mut rooms: Vec<Places<'_>> = Vec::with_capacity(logs.len());
    for (room, log) in logs.iter().enumerate() {
        verdict.counts.logged += log.len();
        let mut expected = 1;
        for event in log {
            if event.seq != expected {
                verdict.add(None, Defect::LogGap { room, expected, got: event.seq });
            }
            expected = event.seq + 1;
        }
        let places = places(log);
        for ((sender, key), seqs) in places.iter().filter(|(_, seqs)| seqs.len() > 1) {
            let (sender, seqs) = (*sender, seqs.clone());
            let defect = Defect::Doubled { room, sender, key: (*key).into(), seqs };
            verdict.add(sent_at(history, sender, room, key), defect);
        }
        rooms.push(places);
    }
    for (client, memory) in history.clients.iter().enumerate() {
        verdict.counts.sent += memory.sent.len();
        for attempt in &memory.sent {
            let acknowledged = match attempt.outcome {
                Outcome::Acknowledged { seq, .. } => seq,
                Outcome::Unknown | Outcome::Ended => {
                    verdict.counts.unknown += 1;
                    continue;
                }
                Outcome::Refused(_) => {
                    verdict.counts.refused += 1;
                    continue;
                }
            };
            verdict.counts.acknowledged += 1;
            let (room, key) = (attempt.room, attempt.key.clone());
            let seqs = rooms.get(room).and_then(|places| places.get(&(memory.user, &*attempt.key)));
            match seqs {
                None => verdict.add(attempt.at, Defect::Lost { client, room, key, seq: acknowledged }),
                Some(seqs) if !seqs.contains(&acknowledged) => {
                    let logged = seqs.first().copied().unwrap_or_default();
                    verdict.add(attempt.at, Defect::Misplaced { client, room, key, acknowledged, logged });
                }
                Some(_) => {}
            }
        }
    }
}

fn sent_at(history: &History, sender: UserId, room: RoomIndex, key: &str) -> Option<Moment> {
    let senders = history.clients.iter().filter(|client| client.user == sender);
    let mut sent = senders.flat_map(|client| &client.sent);
    sent.find(|attempt| attempt.room == room && &*attempt.key == key).map(|attempt| attempt.at)
}

fn places(log: &[Logged]) -> Places<'_> {
    let mut places = Places::new();
    for event in log {
        if let Some((sender, key)) = &event.key {
            places.entry((*sender, key)).or_default().push(event.seq);
        }
    }
    places
}
