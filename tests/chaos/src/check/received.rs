//! What was received: all of each room's log, once, in order, as it stands, by its members.

use std::collections::{BTreeSet, HashMap};

use super::{ClientIndex, Defect, Verdict};
use crate::{
    history::{ClientHistory, History, Logged, Receipt, RoomIndex},
    watch::Moment,
};

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
        told(client, memory, history, verdict);
        judge_client(client, memory, history, logs, verdict);
    }
}

/// What the client was told, or its library noticed.
fn told(client: ClientIndex, memory: &ClientHistory, history: &History, verdict: &mut Verdict) {
    for (at, fault) in &memory.wire {
        verdict.add(*at, Defect::Wire { client, fault: fault.clone() });
    }
    // A member whose removal was asked for is rightly refused, until it is about to be added again.
    let removed = |at: Moment, room: RoomIndex| {
        let mut absences = memory.absences.iter().filter(|absence| absence.room == room);
        absences.any(|absence| absence.asked <= at && absence.until.is_none_or(|until| at < until))
    };
    for (at, room, code) in memory.shut_out.iter().filter(|(at, room, _)| !removed(*at, *room)) {
        verdict.add(*at, Defect::ShutOut { client, room: *room, code: *code });
    }
    for (at, room) in &memory.resets {
        verdict.add(*at, Defect::Reset { client, room: *room });
    }
    match (&memory.dismissed, memory.revoked) {
        (None, None) => {}
        (Some((at, reason)), None) => {
            verdict.add(*at, Defect::Dismissed { client, reason: reason.clone() });
        }
        (None, Some(revoked)) => verdict.add(revoked, Defect::RevokedLives { client, after: None }),
        (Some((at, _)), Some(revoked)) => {
            verdict.counts.revoked += 1;
            let healed = history.healed_between(revoked, revoked);
            if *at > healed.plus(history.removed_within()) {
                let after = Some(at.since(healed));
                verdict.add(*at, Defect::RevokedLives { client, after });
            }
        }
    }
    let ended = memory.gone.or_else(|| history.calms.last().map(|calm| calm.until));
    if let (Some(token), Some(ended)) = (memory.tokens.first(), ended)
        && memory.dismissed.is_none()
        && memory.tokens.len() > 1
        && ended > token.expires
    {
        verdict.counts.outlived += 1;
    }
    verdict.counts.removals += memory.absences.iter().filter(|absence| absence.until.is_some()).count();
}

fn judge_client(
    client: ClientIndex,
    memory: &ClientHistory,
    history: &History,
    logs: &[Vec<Logged>],
    verdict: &mut Verdict,
) {
    let mut ended = HashMap::new();
    let mut delivered = HashMap::<RoomIndex, usize>::new();
    let mut positions: HashMap<RoomIndex, Position> =
        memory.rooms.iter().map(|room| (*room, Position::default())).collect();
    for receipt in &memory.received {
        let Receipt { room, seq, digest, at, .. } = *receipt;
        let overheard = !memory.absences.is_empty()
            && (overheard(memory, receipt, history) || follows_the_end(memory, receipt, &mut ended));
        let Some(position) = positions.get_mut(&room).filter(|_| !overheard) else {
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
            Some(_) if !repeated => *delivered.entry(room).or_default() += 1,
            Some(_) => {}
        }
    }
    for (room, position) in positions {
        let absent = memory.absences.iter().any(|absence| absence.room == room && absence.until.is_none());
        let head = logs.get(room).and_then(|log| log.last()).map_or(0, |event| event.seq);
        if absent || memory.gone.is_some() {
            continue;
        }
        verdict.counts.delivered += delivered.get(&room).copied().unwrap_or_default();
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

/// Received while not a member, and longer after the removal, or the end of the fault that it fell into, than is promised.
/// What stands before the event of the removal in the log is the member's still, however late a gateway learns of both.
fn overheard(memory: &ClientHistory, receipt: &Receipt, history: &History) -> bool {
    let absences = memory.absences.iter().filter(|absence| absence.room == receipt.room);
    let mut ends: Vec<u64> = memory
        .received
        .iter()
        .filter(|end| end.ends && end.room == receipt.room)
        .map(|end| end.seq)
        .collect();
    ends.sort_unstable();
    ends.dedup();
    absences.enumerate().any(|(nth, absence)| {
        ends.get(nth).is_none_or(|end| receipt.seq > *end)
            && receipt.at > history.healed_between(absence.from, absence.from).plus(history.removed_within())
            && absence.until.is_none_or(|until| receipt.at < until)
    })
}

/// Received after the event of the removal itself, which is the last one of a room, however early that is.
fn follows_the_end(
    memory: &ClientHistory,
    receipt: &Receipt,
    ended: &mut HashMap<RoomIndex, Moment>,
) -> bool {
    let back = |since: Moment| {
        let mut absences = memory.absences.iter().filter(|absence| absence.room == receipt.room);
        absences.any(|absence| absence.until.is_some_and(|until| since < until && until <= receipt.at))
    };
    let after = ended.get(&receipt.room).is_some_and(|since| !back(*since));
    // A replay brings the removals of before, too: the event ends what a client hears while its removal is asked for.
    let removal = memory.absences.iter().any(|absence| {
        absence.room == receipt.room
            && absence.asked <= receipt.at
            && absence.until.is_none_or(|until| receipt.at < until)
    });
    if removal && receipt.ends {
        ended.insert(receipt.room, receipt.at);
    }
    after
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
