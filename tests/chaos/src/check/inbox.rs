//! Inboxes: all of each one's log, once, in order, and a notice for each mention.

use std::collections::{BTreeMap, HashMap};

use madang_domain::UserId;

use super::{ClientIndex, Defect, InboxDefect, Verdict};
use crate::history::{ClientHistory, History, NoticeKind, RoomIndex, Says, Stored};

/// The messages that name each user: how often a notice says so.
type Mentions = HashMap<UserId, BTreeMap<(RoomIndex, u64), usize>>;

pub(super) fn judge(history: &History, stored: &Stored, verdict: &mut Verdict) {
    let mut mentions = Mentions::new();
    for (room, log) in stored.rooms.iter().enumerate() {
        for event in log {
            for user in &event.names {
                mentions.entry(*user).or_default().insert((room, event.seq), 0);
            }
        }
    }
    for (client, memory) in history.clients.iter().enumerate() {
        // Who listens to nothing has no socket.
        if memory.rooms.is_empty() {
            continue;
        }
        for at in &memory.inbox_resets {
            verdict.add(*at, Defect::Inbox { client, defect: InboxDefect::Reset });
        }
        let log = stored.inboxes.get(&memory.user).map(Vec::as_slice).unwrap_or_default();
        let due = mentions.get(&memory.user).cloned().unwrap_or_default();
        judge_client(client, memory, log, due, verdict);
    }
}

fn judge_client(
    client: ClientIndex,
    memory: &ClientHistory,
    log: &[(u64, NoticeKind)],
    mut due: BTreeMap<(RoomIndex, u64), usize>,
    verdict: &mut Verdict,
) {
    let places = log.iter().map(|(seq, _)| *seq);
    for (expected, got) in (1..).zip(places) {
        if got != expected {
            verdict.add(None, Defect::Inbox { client, defect: InboxDefect::LogGap { expected, got } });
            break;
        }
    }
    let kinds: HashMap<u64, NoticeKind> = log.iter().copied().collect();
    let mut last = 0;
    for notice in &memory.notices {
        let (seq, at) = (notice.seq, notice.at);
        if seq != last + 1 {
            let defect = InboxDefect::Disorder { expected: last + 1, got: seq };
            verdict.add(at, Defect::Inbox { client, defect });
        }
        last = last.max(seq);
        let is_right = match (notice.says, kinds.get(&seq)) {
            (Says::Mention { room: Some(room), seq }, Some(NoticeKind::Mention)) => {
                due.get_mut(&(room, seq)).map(|times| *times += 1).is_some()
            }
            (Says::Invite, Some(NoticeKind::Invite)) | (Says::Other, Some(NoticeKind::Other)) => true,
            _ => false,
        };
        if is_right {
            verdict.counts.notices += 1;
        } else {
            verdict.add(at, Defect::Inbox { client, defect: InboxDefect::Differs { seq } });
        }
    }
    // What came after the client had gone is not due to it.
    if memory.gone.is_some() || memory.revoked.is_some() {
        return;
    }
    verdict.counts.mentions += due.len();
    for ((room, seq), times) in due.into_iter().filter(|(_, times)| *times != 1) {
        let defect = InboxDefect::Mentioned { room, seq, times };
        verdict.add(None, Defect::Inbox { client, defect });
    }
    let head = log.last().map_or(0, |(seq, _)| *seq);
    if last < head {
        let heard_at = memory.notices.last().map(|notice| notice.at);
        let defect = InboxDefect::NeverReceived { last, head };
        verdict.add(heard_at, Defect::Inbox { client, defect });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{
        check::judge,
        history::{Logged, Notice},
        watch::Moment,
    };

    fn at() -> Moment {
        Moment::after(Duration::from_secs(1))
    }

    /// Somebody who was made a member, and then named by the second event of the room.
    fn good() -> (History, Stored) {
        let user = UserId::new(Uuid::from_u128(1));
        let mut client = ClientHistory::new(user, vec![0]);
        let named = Says::Mention { room: Some(0), seq: 2 };
        client.notices =
            vec![Notice { seq: 1, says: Says::Invite, at: at() }, Notice { seq: 2, says: named, at: at() }];
        let log = [Vec::new(), vec![user]].into_iter().zip(1..);
        let log = log.map(|(names, seq)| Logged { seq, key: None, digest: 0, names }).collect();
        let inbox = vec![(1, NoticeKind::Invite), (2, NoticeKind::Mention)];
        let stored = Stored { rooms: vec![log], inboxes: [(user, inbox)].into() };
        (History { clients: vec![client], ..History::default() }, stored)
    }

    fn found(history: &History, stored: &Stored) -> Vec<InboxDefect> {
        let found = judge(history, stored).found.into_iter();
        let inbox = found.filter_map(|found| match found.defect {
            Defect::Inbox { defect, .. } => Some(defect),
            _ => None,
        });
        inbox.collect()
    }

    #[test]
    fn a_good_inbox_has_no_defect_and_is_counted() {
        let (history, stored) = good();
        assert_eq!(found(&history, &stored), []);
        let counts = judge(&history, &stored).counts;
        assert_eq!((counts.notices, counts.mentions), (2, 1));
    }

    #[test]
    fn a_notice_that_is_lost_is_found() {
        let (mut history, stored) = good();
        history.clients[0].notices.pop();
        let lost = InboxDefect::Mentioned { room: 0, seq: 2, times: 0 };
        assert_eq!(found(&history, &stored), [lost, InboxDefect::NeverReceived { last: 1, head: 2 }]);
        // Whoever has gone does not miss it.
        history.clients[0].gone = Some(at());
        assert_eq!(found(&history, &stored), []);
    }

    #[test]
    fn a_mention_that_the_store_never_noticed_is_found() {
        let (mut history, mut stored) = good();
        history.clients[0].notices.pop();
        stored.inboxes.values_mut().for_each(|log| log.truncate(1));
        assert_eq!(found(&history, &stored), [InboxDefect::Mentioned { room: 0, seq: 2, times: 0 }]);
    }

    #[test]
    fn a_notice_that_comes_again_and_disorder_are_found() {
        let (mut history, stored) = good();
        let again = history.clients[0].notices[1];
        history.clients[0].notices.push(again);
        let twice = InboxDefect::Mentioned { room: 0, seq: 2, times: 2 };
        assert_eq!(found(&history, &stored), [InboxDefect::Disorder { expected: 3, got: 2 }, twice]);
        let (mut history, stored) = good();
        history.clients[0].notices.remove(0);
        assert_eq!(found(&history, &stored), [InboxDefect::Disorder { expected: 1, got: 2 }]);
    }

    #[test]
    fn another_notice_and_a_gap_in_the_store_and_a_reset_are_found() {
        let (mut history, stored) = good();
        history.clients[0].notices[0].says = Says::Other;
        assert_eq!(found(&history, &stored), [InboxDefect::Differs { seq: 1 }]);
        let (mut history, mut stored) = good();
        history.clients[0].inbox_resets.push(at());
        stored.inboxes.values_mut().for_each(|log| log.drain(..1).for_each(drop));
        let gap = InboxDefect::LogGap { expected: 1, got: 2 };
        assert_eq!(found(&history, &stored), [InboxDefect::Reset, gap, InboxDefect::Differs { seq: 1 }]);
    }
}
