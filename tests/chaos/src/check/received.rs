//! What was received: all of each room's log, once, in order, as it stands, by its members.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::{Defect, Verdict, defect::ClientIndex};
use crate::{
    history::{ClientHistory, History, Logged, Receipt, RoomIndex},
    watch::Moment,
};

/// How long after a removal a gateway may still deliver: the promise.
pub(super) const REMOVED_WITHIN: Duration = Duration::from_secs(1);

/// Where a client is in a room.
#[derive(Default)]
struct Position {
    /// The highest place that was received.
    last: u64,
    /// When something was received last.
    heard_at: Option<Moment>,
    /// Places below it that were not.
    missing: BTreeSet<u64>,
}

pub(super) fn judge(history: &History, logs: &[Vec<Logged>], verdict: &mut Verdict) {
    for (client, memory) in history.clients.iter().enumerate() {
        verdict.counts.reconnects += memory.connections.saturating_sub(1);
        told(client, memory, verdict);
        judge_client(client, memory, logs, verdict);
    }
}

/// What the client was told, or its library noticed.
fn told(client: ClientIndex, memory: &ClientHistory, verdict: &mut Verdict) {
    for (at, fault) in &memory.wire {
        verdict.add(*at, Defect::Wire { client, fault: fault.clone() });
    }
    for (at, room, code) in &memory.shut_out {
        verdict.add(*at, Defect::ShutOut { client, room: *room, code: *code });
    }
    for (at, room) in &memory.resets {
        verdict.add(*at, Defect::Reset { client, room: *room });
    }
    if let Some((at, reason)) = &memory.dismissed {
        verdict.add(*at, Defect::Dismissed { client, reason: reason.clone() });
    }
}

fn judge_client(client: ClientIndex, memory: &ClientHistory, logs: &[Vec<Logged>], verdict: &mut Verdict) {
    let mut positions: HashMap<RoomIndex, Position> =
        memory.rooms.iter().map(|room| (*room, Position::default())).collect();
    for receipt in &memory.received {
        let Receipt { room, seq, digest, at } = *receipt;
        let Some(position) = positions.get_mut(&room).filter(|_| !overheard(memory, receipt)) else {
            verdict.add(at, Defect::Overheard { client, room, seq });
            continue;
        };
        position.heard_at = Some(at);
        let disorder = position.take(client, room, seq);
        let repeated = matches!(disorder, Some(Defect::Repeated { .. }));
        if let Some(defect) = disorder {
            verdict.add(at, defect);
        }
        match event_at(logs, room, seq) {
            None => verdict.add(at, Defect::Phantom { client, room, seq }),
            Some(event) if event.digest != digest => verdict.add(at, Defect::Differs { client, room, seq }),
            Some(_) if !repeated => verdict.counts.delivered += 1,
            Some(_) => {}
        }
    }
    for (room, position) in positions {
        let absent = memory.absences.iter().any(|absence| absence.room == room && absence.until.is_none());
        let head = logs.get(room).and_then(|log| log.last()).map_or(0, |event| event.seq);
        if absent {
            continue;
        }
        verdict.counts.due += usize::try_from(head).unwrap_or(usize::MAX);
        if position.last < head {
            // Dated by when the room fell silent.
            let defect = Defect::NeverReceived { client, room, last: position.last, head };
            verdict.add(position.heard_at, defect);
        }
    }
}

impl Position {
    fn take(&mut self, client: ClientIndex, room: RoomIndex, got: u64) -> Option<Defect> {
        if got > self.last {
            let expected = self.last + 1;
            self.missing.extend(expected..got);
            self.last = got;
            return (got != expected).then_some(Defect::Skipped { client, room, expected, got });
        }
        Some(if self.missing.remove(&got) {
            Defect::OutOfOrder { client, room, after: self.last, got }
        } else {
            Defect::Repeated { client, room, seq: got }
        })
    }
}

/// Received while not a member, and longer after the removal than is promised.
fn overheard(memory: &ClientHistory, receipt: &Receipt) -> bool {
    memory.absences.iter().any(|absence| {
        absence.room == receipt.room
            && receipt.at > absence.from.plus(REMOVED_WITHIN)
            && absence.until.is_none_or(|until| receipt.at < until)
    })
}

/// Logs are contiguous as a rule, so that the place is the index; a log with a gap is searched.
fn event_at(logs: &[Vec<Logged>], room: RoomIndex, seq: u64) -> Option<&Logged> {
    let log = logs.get(room)?;
    let guess = usize::try_from(seq.checked_sub(1)?).ok()?;
    match log.get(guess) {
        Some(event) if event.seq == seq => Some(event),
        _ => log.iter().find(|event| event.seq == seq),
    }
}
