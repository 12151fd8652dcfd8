//! Presence: nobody is said to have gone who was not away, each absence is told at most once, and exactly once with nothing
//! broken.

use std::time::Duration;

use madang_domain::UserId;

use super::{ClientIndex, Defect, PresenceDefect, Verdict};
use crate::{
    history::{ClientHistory, History, RoomIndex, Span, Walk},
    watch::Moment,
};

/// How long a user whose last socket has gone counts as present, less what a client may notice later than its gateway.
const AWAY_FOR: Duration = Duration::from_millis(4_500);
/// Until when an absence may be told: the lease of a gateway that died (10 s), the grace (5 s), a fault (5 s), and a busy
/// machine.
const TOLD_UNTIL: Duration = Duration::from_secs(10 + 5 + 5 + 2);
/// How long after a gateway has come back to Redis departures of its users may still be told that its absence has caused.
const LEASE_TOLD_UNTIL: Duration = Duration::from_secs(5);
/// How long after a return with nothing broken it is told.
const RETURN_TOLD_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn judge(history: &History, verdict: &mut Verdict) {
    for (client, memory) in history.clients.iter().enumerate() {
        verdict.counts.presence += memory.presence.len();
        for told in memory.presence.iter().filter(|told| !told.on) {
            if was_there(history, told.user, told.room, told.at) {
                let defect = PresenceDefect::FalseDeparture { user: told.user };
                verdict.add(told.at, Defect::Presence { client, room: told.room, defect });
            }
        }
        for walk in history.walks.iter().filter(|walk| walk.user != memory.user) {
            judge_walk(client, memory, history, walk, verdict);
        }
    }
}

/// The time in which a client heard of a walk: from the departure to the next one of the same user.
fn judge_walk(
    client: ClientIndex,
    memory: &ClientHistory,
    history: &History,
    walk: &Walk,
    verdict: &mut Verdict,
) {
    let Walk { user, room, left, back, in_calm } = *walk;
    if !memory.rooms.contains(&room) {
        return;
    }
    let next = history.walks.iter().filter(|other| other.user == user && other.left > left);
    let next = next.map(|other| other.left).min();
    let heard = |on: bool, from: Moment, until: Option<Moment>| {
        let told = memory.presence.iter().filter(|told| (told.user, told.room, told.on) == (user, room, on));
        told.filter(|told| told.at >= from && until.is_none_or(|until| told.at < until)).count()
    };
    let mut add = |on: bool, times: usize| {
        let told = memory.presence.iter().filter(|told| (told.user, told.room) == (user, room));
        let heard = told.map(|told| (told.on, told.at)).collect();
        let defect = PresenceDefect::Told { user, on, times, heard };
        verdict.add(left, Defect::Presence { client, room, defect });
    };
    let departures = heard(false, left, next);
    if departures > 1 {
        add(false, departures);
    }
    let Some(back) = back.filter(|_| in_calm) else { return };
    let until = back.plus(RETURN_TOLD_WITHIN);
    if !listens(memory, room, Span { from: left, until }) {
        return;
    }
    let (gone, returned) = (heard(false, left, Some(back)), heard(true, left, None));
    if gone != 1 && departures <= 1 {
        add(false, gone);
    }
    if returned != 1 {
        add(true, returned);
    }
    verdict.counts.walks += 1;
}

/// Whether a client listens to a room all the time, on one socket.
fn listens(memory: &ClientHistory, room: RoomIndex, time: Span) -> bool {
    let mut changes = memory.listening.iter().filter(|change| change.room.is_none_or(|of| of == room));
    let before = changes.clone().rfind(|change| change.at <= time.from);
    let listened = before.is_some_and(|change| change.room.is_some());
    listened && !changes.any(|change| change.room.is_none() && time.holds(change.at)) && memory.gone.is_none()
}

/// Whether the user, who never left on purpose, had not been away from a room for as long as the grace, at any time from
/// which a departure could be told now.
fn was_there(history: &History, user: UserId, room: RoomIndex, at: Moment) -> bool {
    let mut theirs = history.clients.iter().filter(|client| client.user == user);
    let (Some(memory), None) = (theirs.next(), theirs.next()) else { return false };
    let left = !memory.absences.is_empty() || memory.gone.is_some() || memory.dismissed.is_some();
    let lease_lost =
        history.leases_lost.iter().any(|lost| lost.from <= at && at <= lost.until.plus(LEASE_TOLD_UNTIL));
    if left
        || lease_lost
        || !memory.rooms.contains(&room)
        || history.walks.iter().any(|walk| walk.user == user)
    {
        return false;
    }
    let from = Moment::after(at.since_start().saturating_sub(TOLD_UNTIL));
    let mut lost_at = Some(Moment::default());
    for change in memory.listening.iter().filter(|change| change.room.is_none_or(|of| of == room)) {
        if change.at > at {
            break;
        }
        match (change.room, lost_at) {
            (None, None) => lost_at = Some(change.at),
            (Some(_), Some(since)) => {
                if change.at >= from && change.at.since(since) >= AWAY_FOR {
                    return false;
                }
                lost_at = None;
            }
            (None, Some(_)) | (Some(_), None) => {}
        }
    }
    lost_at.is_none_or(|since| at.since(since) < AWAY_FOR)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        check::judge,
        history::{Listening, Presence, Stored},
    };

    const ROOM: RoomIndex = 0;

    fn at(seconds: u64) -> Moment {
        Moment::after(Duration::from_secs(seconds))
    }

    fn told(user: UserId, on: bool, seconds: u64) -> Presence {
        Presence { room: ROOM, user, on, at: at(seconds) }
    }

    /// An observer, and somebody who listens from the first second on.
    fn two() -> (History, UserId) {
        let users = [1, 2].map(|number| UserId::new(Uuid::from_u128(number)));
        let clients = users.map(|user| {
            let mut client = ClientHistory::new(user, vec![ROOM]);
            client.listening.push(Listening { room: Some(ROOM), at: at(1) });
            client
        });
        (History { clients: clients.into(), ..History::default() }, users[1])
    }

    /// The same, with a walk of the second one: away from the 20th to the 30th second.
    fn walk(in_calm: bool) -> (History, UserId) {
        let (mut history, user) = two();
        history.walks.push(Walk { user, room: ROOM, left: at(20), back: Some(at(30)), in_calm });
        history.clients[0].presence = vec![told(user, false, 26), told(user, true, 31)];
        (history, user)
    }

    #[test]
    fn users_of_a_gateway_whose_lease_was_lost_may_be_told_to_have_gone() {
        let (mut history, user) = two();
        history.clients[0].presence = vec![told(user, false, 26)];
        assert_eq!(found(&history).len(), 1);
        history.leases_lost = vec![Span { from: at(14), until: at(27) }];
        assert!(found(&history).is_empty());
        history.clients[0].presence = vec![told(user, false, 33)];
        assert_eq!(found(&history).len(), 1);
    }

    /// Another number than once.
    fn wrong(history: &History) -> Vec<(bool, usize)> {
        let wrong = found(history).into_iter().filter_map(|defect| match defect {
            PresenceDefect::Told { on, times, .. } => Some((on, times)),
            PresenceDefect::FalseDeparture { .. } => None,
        });
        wrong.collect()
    }

    fn found(history: &History) -> Vec<PresenceDefect> {
        let found = judge(history, &Stored::default()).found.into_iter();
        let presence = found.filter_map(|found| match found.defect {
            Defect::Presence { defect, .. } => Some(defect),
            _ => None,
        });
        presence.collect()
    }

    #[test]
    fn a_departure_of_somebody_who_is_there_is_found() {
        let (mut history, user) = two();
        history.clients[0].presence.push(told(user, false, 50));
        assert_eq!(found(&history), [PresenceDefect::FalseDeparture { user }]);
        // Away for less than the grace; for longer; still away.
        let changes = |changes: &[(Option<RoomIndex>, u64)]| {
            changes
                .iter()
                .map(|(room, seconds)| Listening { room: *room, at: at(*seconds) })
                .collect::<Vec<_>>()
        };
        history.clients[1].listening = changes(&[(Some(ROOM), 1), (None, 40), (Some(ROOM), 43)]);
        assert_eq!(found(&history), [PresenceDefect::FalseDeparture { user }]);
        history.clients[1].listening = changes(&[(Some(ROOM), 1), (None, 40), (Some(ROOM), 46)]);
        assert_eq!(found(&history), []);
        history.clients[1].listening = changes(&[(Some(ROOM), 1), (None, 44)]);
        assert_eq!(found(&history), []);
    }

    #[test]
    fn a_walk_with_nothing_broken_is_told_exactly_once() {
        let (mut history, _) = walk(true);
        assert_eq!(found(&history), []);
        assert_eq!(judge(&history, &Stored::default()).counts.walks, 1);
        history.clients[0].presence.remove(0);
        assert_eq!(wrong(&history), [(false, 0)]);
        let (mut history, user) = walk(true);
        history.clients[0].presence.push(told(user, true, 32));
        assert_eq!(wrong(&history), [(true, 2)]);
        let (mut history, user) = walk(true);
        history.clients[0].presence.push(told(user, false, 27));
        assert_eq!(wrong(&history), [(false, 2)]);
    }

    #[test]
    fn a_walk_through_a_fault_is_told_at_most_once() {
        let (mut history, user) = walk(false);
        history.clients[0].presence.pop();
        assert_eq!(found(&history), []);
        history.clients[0].presence.push(told(user, false, 28));
        assert_eq!(wrong(&history), [(false, 2)]);
    }

    #[test]
    fn whoever_had_no_socket_at_the_time_need_not_have_heard_of_a_walk() {
        let (mut history, _) = walk(true);
        history.clients[0].presence.clear();
        history.clients[0].listening.push(Listening { room: None, at: at(25) });
        assert_eq!(found(&history), []);
    }
}
