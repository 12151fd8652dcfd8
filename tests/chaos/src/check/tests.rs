//! Each kind of defect is found in a history that has it, and in a good one there is none.

use std::time::Duration;

use madang_client::Fault;
use madang_domain::{Code, RoomId, Seq, UserId};
use uuid::Uuid;

use super::*;
use crate::{
    history::{
        Absence, Attempt, ClientHistory, History, Logged, Outcome, Receipt, Span, Stored, Token,
        message_digest, other_digest,
    },
    watch::Moment,
};

const ROOM: usize = 0;

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn at(seconds: u64) -> Moment {
    Moment::after(Duration::from_secs(seconds))
}

fn message(seq: u64, sender: UserId, key: &str) -> Logged {
    let digest = message_digest(&seq.to_string(), sender, key, key);
    Logged { seq, key: Some((sender, key.into())), digest, names: Vec::new() }
}

fn receipt(event: &Logged, seconds: u64) -> Receipt {
    Receipt { room: ROOM, seq: event.seq, digest: event.digest, ends: false, at: at(seconds) }
}

fn acknowledged(key: &str, seq: u64, seconds: u64) -> Attempt {
    let outcome = Outcome::Acknowledged { seq, at: at(seconds) };
    Attempt { room: ROOM, key: key.into(), at: at(seconds), once: false, outcome }
}

/// Two clients in a room; the first has said `a` and `b`, and both have heard everything.
fn good() -> (History, Stored) {
    let (mina, joon) = (user(1), user(2));
    let log = vec![
        Logged { seq: 1, key: None, digest: other_digest("joined"), names: Vec::new() },
        message(2, mina, "a"),
        message(3, mina, "b"),
    ];
    let mut history = History { rooms: vec![RoomId::new(Uuid::from_u128(9))], ..History::default() };
    for user in [mina, joon] {
        let mut client = ClientHistory::new(user, vec![ROOM]);
        client.received = log.iter().map(|event| receipt(event, event.seq)).collect();
        client.connections = 1;
        history.clients.push(client);
    }
    history.clients[0].sent = vec![acknowledged("a", 2, 2), acknowledged("b", 3, 3)];
    (history, Stored { rooms: vec![log], ..Stored::default() })
}

fn found(history: &History, logs: &Stored) -> Vec<Defect> {
    judge(history, logs).found.into_iter().map(|found| found.defect).collect()
}

#[test]
fn a_good_history_has_no_defect_and_is_counted() {
    let (history, logs) = good();
    let verdict = judge(&history, &logs);
    assert_eq!(verdict.found, []);
    let counts = Counts { sent: 2, acknowledged: 2, logged: 3, delivered: 6, due: 6, ..Counts::default() };
    assert_eq!(verdict.counts, counts);
}

#[test]
fn a_defect_is_dated_where_that_can_be_told() {
    let (mut history, logs) = good();
    history.clients[1].sent.push(acknowledged("c", 4, 4));
    history.clients[1].received.pop();
    let dates: Vec<_> = judge(&history, &logs).found.into_iter().map(|found| found.at).collect();
    assert_eq!(dates, [Some(at(4)), Some(at(2))]);
}

#[test]
fn what_nobody_knows_and_what_was_refused_may_be_in_the_log_or_not() {
    for outcome in [Outcome::Unknown, Outcome::Ended, Outcome::Refused(Code::Internal)] {
        let (mut history, logs) = good();
        history.clients[0].sent[0].outcome = outcome.clone();
        let absent = Attempt { room: ROOM, key: "c".into(), at: at(1), once: false, outcome };
        history.clients[0].sent.push(absent);
        assert_eq!(found(&history, &logs), []);
    }
}

#[test]
fn a_lost_acknowledgement_is_found() {
    let (mut history, logs) = good();
    history.clients[1].sent.push(acknowledged("c", 4, 4));
    assert_eq!(found(&history, &logs), [Defect::Lost { client: 1, room: ROOM, key: "c".into(), seq: 4 }]);
}

#[test]
fn the_same_key_of_another_sender_is_another_message() {
    let (mut history, logs) = good();
    history.clients[1].sent.push(acknowledged("a", 2, 4));
    assert_eq!(found(&history, &logs), [Defect::Lost { client: 1, room: ROOM, key: "a".into(), seq: 2 }]);
}

#[test]
fn a_key_that_stands_twice_is_found() {
    let (mut history, mut logs) = good();
    let again = message(4, user(1), "a");
    for client in &mut history.clients {
        client.received.push(receipt(&again, 4));
    }
    logs.rooms[0].push(again);
    let doubled = Defect::Doubled { room: ROOM, sender: user(1), key: "a".into(), seqs: vec![2, 4] };
    assert_eq!(found(&history, &logs), [doubled]);
}

#[test]
fn an_acknowledgement_of_another_place_is_found() {
    let (mut history, logs) = good();
    history.clients[0].sent[0] = acknowledged("a", 3, 2);
    let misplaced = Defect::Misplaced { client: 0, room: ROOM, key: "a".into(), acknowledged: 3, logged: 2 };
    assert_eq!(found(&history, &logs), [misplaced]);
}

#[test]
fn a_gap_in_the_log_is_found() {
    let (mut history, mut logs) = good();
    let late = message(5, user(1), "c");
    for client in &mut history.clients {
        client.received.push(receipt(&late, 5));
    }
    logs.rooms[0].push(late);
    let defects = found(&history, &logs);
    assert!(defects.contains(&Defect::LogGap { room: ROOM, expected: 4, got: 5 }), "{defects:?}");
}

#[test]
fn a_gap_and_disorder_and_repetition_on_the_way_are_told_apart() {
    let (mut history, logs) = good();
    history.clients[1].received.swap(1, 2);
    assert_eq!(
        found(&history, &logs),
        [
            Defect::Skipped { client: 1, room: ROOM, expected: 2, got: 3 },
            Defect::OutOfOrder { client: 1, room: ROOM, after: 3, got: 2 },
        ]
    );
    let (mut history, logs) = good();
    history.clients[1].received.remove(1);
    assert_eq!(found(&history, &logs), [Defect::Skipped { client: 1, room: ROOM, expected: 2, got: 3 }]);
    let (mut history, logs) = good();
    let again = history.clients[1].received[1];
    history.clients[1].received.push(again);
    assert_eq!(found(&history, &logs), [Defect::Repeated { client: 1, room: ROOM, seq: 2 }]);
}

#[test]
fn a_client_that_begins_late_has_a_gap() {
    let (mut history, logs) = good();
    history.clients[1].received.remove(0);
    assert_eq!(found(&history, &logs), [Defect::Skipped { client: 1, room: ROOM, expected: 1, got: 2 }]);
}

#[test]
fn other_content_is_found() {
    let (mut history, logs) = good();
    history.clients[1].received[2].digest = message_digest("3", user(1), "b", "another text");
    assert_eq!(found(&history, &logs), [Defect::Differs { client: 1, room: ROOM, seq: 3 }]);
}

#[test]
fn an_event_that_the_store_does_not_have_is_found() {
    let (mut history, logs) = good();
    history.clients[1].received.push(receipt(&message(4, user(1), "c"), 4));
    assert_eq!(found(&history, &logs), [Defect::Phantom { client: 1, room: ROOM, seq: 4 }]);
}

#[test]
fn an_end_that_was_never_received_is_found() {
    let (mut history, logs) = good();
    history.clients[1].received.pop();
    assert_eq!(found(&history, &logs), [Defect::NeverReceived { client: 1, room: ROOM, last: 2, head: 3 }]);
}

#[test]
fn somebody_elses_room_is_not_to_be_heard() {
    let (mut history, logs) = good();
    history.clients[1].rooms.clear();
    let overheard: Vec<_> = (1..=3).map(|seq| Defect::Overheard { client: 1, room: ROOM, seq }).collect();
    assert_eq!(found(&history, &logs), overheard);
}

#[test]
fn who_was_removed_hears_nothing_until_it_is_added_again() {
    let removed = Absence { room: ROOM, asked: at(1), from: at(1), until: None };
    // What came within the bound is no defect, and what comes later is none for a member again.
    for (until, expected) in [(None, 1), (Some(at(9)), 1), (Some(at(3)), 0)] {
        let (mut history, logs) = good();
        assert!(history.clients[1].received[2].at > removed.from.plus(history.removed_within()));
        history.clients[1].absences.push(Absence { until, ..removed });
        let defects = found(&history, &logs);
        let overheard = defects.iter().filter(|defect| defect.kind() == DefectKind::Overheard).count();
        assert_eq!(overheard, expected, "{until:?}: {defects:?}");
    }
}

#[test]
fn what_the_wire_broke_and_who_was_shut_out_is_found() {
    let (mut history, logs) = good();
    let fault = Fault::Gap { room: history.rooms[0], expected: Seq::new(2), got: Seq::new(3) };
    history.clients[0].wire.push((at(1), fault.clone()));
    history.clients[1].shut_out.push((at(1), ROOM, Code::NotFound));
    history.clients[1].resets.push((at(2), ROOM));
    history.clients[1].dismissed = Some((at(3), "4401".to_owned()));
    assert_eq!(
        found(&history, &logs),
        [
            Defect::Wire { client: 0, fault },
            Defect::ShutOut { client: 1, room: ROOM, code: Code::NotFound },
            Defect::Reset { client: 1, room: ROOM },
            Defect::Dismissed { client: 1, reason: "4401".to_owned() },
        ]
    );
}

#[test]
fn only_messages_of_calm_times_are_timed() {
    let (mut history, _) = good();
    history.clients[1].received[1].at = at(5);
    let calm = |from, until| Span { from: at(from), until: at(until) };
    let both = Latencies::of(&history, &[calm(0, 9)], 0..1);
    assert_eq!((both.count, both.median, both.max), (4, Duration::ZERO, Duration::from_secs(3)));
    let second = Latencies::of(&history, &[calm(3, 9)], 0..1);
    assert_eq!((second.count, second.max), (2, Duration::ZERO));
    // Too near to the end of the calm.
    assert_eq!(Latencies::of(&history, &[calm(0, 2)], 0..1).count, 0);
    // Of other rooms.
    assert_eq!(Latencies::of(&history, &[calm(0, 9)], 1..2).count, 0);
}

#[test]
fn who_was_removed_in_a_fault_hears_nothing_a_second_after_its_end() {
    let (mut history, logs) = good();
    // The receipts are of the seconds 1 to 3.
    history.clients[1].absences.push(Absence { room: ROOM, asked: at(0), from: at(0), until: None });
    let overheard = |history: &History| {
        let defects = found(history, &logs);
        defects.iter().filter(|defect| defect.kind() == DefectKind::Overheard).count()
    };
    assert_eq!(overheard(&history), 2);
    history.faults.push(Span { from: at(0), until: at(1) });
    assert_eq!(overheard(&history), 1);
}

#[test]
fn the_event_of_the_removal_is_the_last_one() {
    let (mut history, logs) = good();
    let member = &mut history.clients[1];
    member.absences.push(Absence { room: ROOM, asked: at(0), from: at(9), until: None });
    member.received[1].ends = true;
    assert_eq!(found(&history, &logs), [Defect::Overheard { client: 1, room: ROOM, seq: 3 }]);
    // Added again: what comes then is rightly heard.
    history.clients[1].absences[0].until = Some(at(3));
    assert_eq!(found(&history, &logs), []);
}

#[test]
fn what_stands_before_the_removal_may_come_late_and_what_follows_may_not() {
    let (mut history, logs) = good();
    let member = &mut history.clients[1];
    member.absences.push(Absence { room: ROOM, asked: at(0), from: at(0), until: None });
    // The receipts are of the seconds 1 to 3: all later than a second after the removal, which is the last of them.
    member.received[2].ends = true;
    assert_eq!(found(&history, &logs), []);
    history.clients[1].received[2].ends = false;
    history.clients[1].received[1].ends = true;
    assert_eq!(found(&history, &logs), [Defect::Overheard { client: 1, room: ROOM, seq: 3 }]);
}

#[test]
fn a_removed_member_may_be_refused() {
    let (mut history, logs) = good();
    history.clients[1].shut_out.push((at(8), ROOM, Code::PermissionDenied));
    history.clients[1].absences.push(Absence { room: ROOM, asked: at(7), from: at(8), until: Some(at(9)) });
    assert_eq!(found(&history, &logs), []);
    history.clients[1].shut_out[0].0 = at(10);
    let shut_out = Defect::ShutOut { client: 1, room: ROOM, code: Code::PermissionDenied };
    assert_eq!(found(&history, &logs), [shut_out]);
}

#[test]
fn a_revoked_session_ends_in_a_second() {
    let (mut history, logs) = good();
    history.clients[1].revoked = Some(at(5));
    assert_eq!(found(&history, &logs), [Defect::RevokedLives { client: 1, after: None }]);
    history.clients[1].dismissed = Some((at(7), "4401".to_owned()));
    let after = Some(Duration::from_secs(2));
    assert_eq!(found(&history, &logs), [Defect::RevokedLives { client: 1, after }]);
    history.faults.push(Span { from: at(4), until: at(6) });
    assert_eq!(found(&history, &logs), []);
    assert_eq!(judge(&history, &logs).counts.revoked, 1);
}

#[test]
fn whoever_lives_on_with_a_renewed_token_is_counted() {
    let (mut history, logs) = good();
    let token = |given| Token::given_at(at(given), Duration::from_secs(10));
    history.clients[1].tokens = vec![token(0), token(5)];
    history.calms.push(Span { from: at(0), until: at(20) });
    assert_eq!(judge(&history, &logs).counts.outlived, 1);
    history.clients[1].dismissed = Some((at(10), "4401".to_owned()));
    assert_eq!(judge(&history, &logs).counts.outlived, 0);
}
