//! Reports of messages, the record of what moderators do, and words that are not accepted.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{
    Code, Profile, Reason, ReportStatus, Restriction, Result, Role, RoomDetailChanges, RoomFlagChanges,
    RoomId, RoomRef, Seq, Timestamp, UserId, WordAction,
    event::{InThread, Message, ThreadState},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, AppendInThread, Appended, AuditEntry, Authority, DeleteMessage, DeleteRoom, GetWords,
        ListAudit, ListReports, MakeInvitation, PageQuery, PutMember, PutWords, RemoveMember, Report,
        ReportMessage, Restrict, RoomKind, SettleReport, UpdateRoom, WordList,
    },
};

use sqlx::{Connection as _, Executor as _};

use crate::{
    deletions::delete,
    edits::edit,
    erasures::erase,
    files::{self, uploaded},
    rooms::TOMBSTONE_KEPT,
    support::{Fixture, Words as _, message, page, room_of, user},
};

madang_test_kit::on_both!(
    a_message_is_reported_once_by_each_user,
    reports_are_for_moderators_and_the_site,
    what_moderators_do_is_recorded_and_nothing_else_is,
    words_are_refused_or_reported_in_their_room,
    words_of_the_site_hold_in_every_room_and_replica,
    a_list_says_nothing_to_who_is_not_in_its_room,
    a_message_that_was_sent_before_its_word_was_listed_is_answered_as_before,
    a_changed_list_holds_at_once_where_it_was_set_and_then_at_other_replicas,
    what_a_list_finds_anew_is_open_again,
    what_a_list_finds_is_said_and_reported_or_neither,
    of_messages_sent_at_once_those_with_a_word_are_reported,
    replicas_whose_clocks_differ_hear_of_every_list,
    a_list_holds_although_one_of_a_later_time_is_gone,
    a_reporter_and_what_a_record_is_about_are_forgotten,
    reports_of_all_rooms_are_found_by_their_status,
);

async fn send(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    text: &str,
    key: &str,
) -> Result<Appended> {
    let actor = Arc::clone(actor);
    service.append(Append { room, actor, message: message(text, key), authority: Authority::User }).await
}

fn reason(text: &str) -> Option<Reason> {
    Some(Reason::new(text).unwrap())
}

async fn report(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    message: Seq,
    why: &str,
) -> Result<Report> {
    let (actor, room, reason) = (Arc::clone(actor), RoomRef::Id(room), reason(why));
    service.report_message(ReportMessage { actor, room, message, reason }).await
}

async fn reports(
    service: &Service,
    user: Option<UserId>,
    room: Option<RoomId>,
    status: ReportStatus,
) -> Result<Vec<Report>> {
    let room = room.map(RoomRef::Id);
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let list = ListReports { user, room: room.clone(), status, page: PageQuery { limit: 2, cursor } };
        let page = service.list_reports(list).await?;
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T>) -> Code {
    outcome.unwrap_err().code
}

async fn a_message_is_reported_once_by_each_user(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana, stranger] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let place = send(&service, room, &jun, "spam", "k").await.unwrap().seq;
    let first = report(&service, room, &hana, place, "it is spam").await.unwrap();
    assert_eq!((first.sender.id, first.reporter.as_ref().unwrap().id), (jun.id, hana.id));
    assert_eq!((first.message, first.status, first.settled_at), (place, ReportStatus::Open, None));
    fixture.clock.advance(Duration::from_secs(5));
    let again = report(&service, room, &hana, place, "another reason").await.unwrap();
    assert_eq!(again, first, "a repeat is answered as the first time");
    let second = report(&service, room, &mina, place, "I agree").await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(code(report(&service, room, &jun, place, "mine").await), Code::FailedPrecondition);
    assert_eq!(code(report(&service, room, &stranger, place, "no").await), Code::PermissionDenied);
    for absent in [Seq::new(1), Seq::new(99)] {
        assert_eq!(code(report(&service, room, &hana, absent, "no").await), Code::NotFound);
    }
    // Nobody in the room hears of it.
    assert_eq!(service.view(room, &mina).await.room.head, place);
    delete(&service, room, &mina, place).await.unwrap();
    assert_eq!(report(&service, room, &hana, place, "again").await.unwrap(), first);
    let late = send(&service, room, &jun, "more spam", "k2").await.unwrap().seq;
    delete(&service, room, &jun, late).await.unwrap();
    assert_eq!(code(report(&service, room, &hana, late, "too late").await), Code::NotFound);
}

async fn reports_are_for_moderators_and_the_site(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana, other] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let elsewhere = service.given_room(&[&other, &jun, &hana]).await;
    let mut made = Vec::new();
    for number in 0..5 {
        let place = send(&service, room, &jun, "spam", &format!("k{number}")).await.unwrap().seq;
        fixture.clock.advance(Duration::from_secs(1));
        made.push(report(&service, room, &hana, place, "spam").await.unwrap());
    }
    let place = send(&service, elsewhere, &jun, "spam", "e").await.unwrap().seq;
    let foreign = report(&service, elsewhere, &hana, place, "spam").await.unwrap();
    let open = ReportStatus::Open;
    assert_eq!(reports(&service, Some(mina.id), None, open).await.unwrap(), made, "the oldest first");
    assert_eq!(reports(&service, Some(mina.id), Some(room), open).await.unwrap(), made);
    assert_eq!(reports(&service, Some(hana.id), None, open).await.unwrap(), []);
    assert_eq!(code(reports(&service, Some(hana.id), Some(room), open).await), Code::PermissionDenied);
    assert_eq!(code(reports(&service, Some(mina.id), Some(elsewhere), open).await), Code::PermissionDenied);
    assert_eq!(reports(&service, None, None, open).await.unwrap().len(), 6);
    assert_eq!(reports(&service, None, Some(elsewhere), open).await.unwrap(), std::slice::from_ref(&foreign));

    let settle = async |actor: Option<&Arc<Profile>>, id: &str, status| {
        service
            .settle_report(SettleReport {
                authority: Authority::User,
                actor: actor.cloned(),
                id: id.into(),
                status,
            })
            .await
    };
    let settled = settle(Some(&mina), &made[0].id, ReportStatus::Resolved).await.unwrap();
    assert_eq!((settled.status, settled.settled_by), (ReportStatus::Resolved, Some(mina.id)));
    assert!(settled.settled_at.is_some());
    assert_eq!(reports(&service, Some(mina.id), None, open).await.unwrap(), made[1..]);
    assert_eq!(reports(&service, Some(mina.id), None, ReportStatus::Resolved).await.unwrap(), [settled]);
    let reopened = settle(Some(&mina), &made[0].id, open).await.unwrap();
    assert_eq!(reopened, made[0]);
    let by_site = settle(None, &foreign.id, ReportStatus::Dismissed).await.unwrap();
    assert_eq!((by_site.status, by_site.settled_by), (ReportStatus::Dismissed, None));
    assert_eq!(code(settle(Some(&hana), &made[0].id, ReportStatus::Resolved).await), Code::PermissionDenied);
    for (actor, id) in
        [(&mina, &*foreign.id), (&mina, "nothing"), (&mina, "00000000000000000000000000000007")]
    {
        assert_eq!(code(settle(Some(actor), id, ReportStatus::Resolved).await), Code::NotFound);
    }
}

async fn audit(service: &Service, user: &Profile, room: RoomId) -> Result<Vec<AuditEntry>> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageQuery { limit: 3, cursor };
        let page = service.list_audit(ListAudit { user: user.id, room: RoomRef::Id(room), page }).await?;
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

async fn what_moderators_do_is_recorded_and_nothing_else_is(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana, gone] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&mina, &jun, &hana, &gone]).await;
    let at = || RoomRef::Id(room);
    // What members do is in the room's log alone.
    let of_jun = send(&service, room, &jun, "one", "k1").await.unwrap().seq;
    let own = send(&service, room, &mina, "two", "k2").await.unwrap().seq;
    edit(&service, room, &mina, own, "three").await.unwrap();
    delete(&service, room, &mina, own).await.unwrap();
    assert_eq!(audit(&service, &mina, room).await.unwrap(), []);

    let put = |user: &Arc<Profile>, role, authority| {
        let (actor, user) = (Arc::clone(&mina), Arc::clone(user));
        service.put_member(PutMember { actor, authority, room: at(), user, role })
    };
    put(&hana, Role::Moderator, Authority::User).await.unwrap();
    put(&hana, Role::Moderator, Authority::User).await.unwrap();
    let until = fixture_time(&fixture);
    let restrict = |kind, on| {
        let (actor, user) = (Arc::clone(&hana), Arc::clone(&jun));
        let (authority, reason) = (Authority::User, if on { reason("noise") } else { None });
        service.restrict(Restrict {
            actor,
            authority,
            room: at(),
            user,
            kind,
            on,
            until: on.then_some(until),
            reason,
        })
    };
    restrict(Restriction::Mute, true).await.unwrap();
    restrict(Restriction::Mute, true).await.unwrap();
    restrict(Restriction::Mute, false).await.unwrap();
    delete(&service, room, &hana, of_jun).await.unwrap();
    delete(&service, room, &hana, of_jun).await.unwrap();
    let (actor, authority) = (Arc::clone(&mina), Authority::User);
    service.remove_member(RemoveMember { actor, authority, room: at(), user: gone.id }).await.unwrap();
    let flags = RoomFlagChanges { archived: Some(false), slow_mode_s: Some(5), ..RoomFlagChanges::default() };
    let change = UpdateRoom {
        authority: Authority::User,
        actor: Some(Arc::clone(&mina)),
        room: at(),
        name: None,
        slug: None,
        flags,
        details: RoomDetailChanges::default(),
    };
    service.update_room(change).await.unwrap();
    let make = MakeInvitation {
        authority: Authority::User,
        actor: Arc::clone(&mina),
        room: at(),
        expires_at: None,
        uses: None,
    };
    service.make_invitation(make).await.unwrap();
    restrict(Restriction::Ban, true).await.unwrap();
    let later = send(&service, room, &hana, "four", "k4").await.unwrap().seq;
    service
        .delete_message(DeleteMessage { authority: Authority::User, actor: None, room, message: later })
        .await
        .unwrap();
    put(&gone, Role::Member, Authority::Site).await.unwrap();

    let entries = audit(&service, &mina, room).await.unwrap();
    let acts: Vec<(&str, u128, bool)> = entries
        .iter()
        .rev()
        .map(|entry| (&*entry.action, entry.actor.id.uuid().as_u128() - 0x1000, entry.by_site))
        .collect();
    assert_eq!(
        acts,
        [
            ("role_given", 1, false),
            ("muted", 3, false),
            ("unmuted", 3, false),
            ("message_deleted", 3, false),
            ("member_removed", 1, false),
            ("room_changed", 1, false),
            ("invitation_made", 1, false),
            ("banned", 3, false),
            ("message_deleted", 3, true),
            ("member_added", 1, true),
        ]
    );
    let seqs: Vec<u64> = entries.iter().rev().map(|entry| entry.seq.get()).collect();
    assert_eq!(seqs, (1..=10).collect::<Vec<u64>>());
    let muted = &entries[8];
    assert_eq!((muted.subject.as_ref().unwrap().id, muted.until), (jun.id, Some(until)));
    assert_eq!(muted.reason, reason("noise"));
    assert_eq!((entries[9].role, entries[6].message), (Some(Role::Moderator), of_jun));
    for refused in [&gone, &user(9)] {
        assert_eq!(code(audit(&service, refused, room).await), Code::PermissionDenied);
    }
    assert_eq!(audit(&service, &hana, room).await.unwrap().len(), 10);
}

fn fixture_time(fixture: &Fixture) -> Timestamp {
    fixture.clock_behind(Duration::ZERO).plus(Duration::from_secs(3_600)).whole_milliseconds()
}

fn list(words: &[&str], action: WordAction) -> WordList {
    WordList { words: words.iter().map(|word| word.parse().unwrap()).collect(), action }
}

async fn words_are_refused_or_reported_in_their_room(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let (room, other) = (service.given_room(&[&mina, &jun]).await, service.given_room(&[&mina, &jun]).await);
    let put = async |actor: &Arc<Profile>, list: WordList| {
        let (actor, room) = (Some(Arc::clone(actor)), Some(RoomRef::Id(room)));
        service.put_words(PutWords { authority: Authority::User, actor, room, list }).await
    };
    assert_eq!(code(put(&jun, list(&["바보"], WordAction::Refuse)).await), Code::PermissionDenied);
    let set = put(&mina, list(&["바보", "damn", "바보"], WordAction::Refuse)).await.unwrap();
    assert_eq!(set.words.len(), 2);
    let get = GetWords { user: Some(mina.id), room: Some(RoomRef::Id(room)) };
    assert_eq!(service.get_words(get.clone()).await.unwrap(), set);
    for (number, text) in
        ["너 바보", "바 보", "ㅂㅏㅂㅗ", "ｄａｍｎ it", "\u{1107}\u{1161}\u{1107}\u{1169}"].iter().enumerate()
    {
        let refused = send(&service, room, &jun, text, &format!("r{number}")).await.unwrap_err();
        assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, "/text"), "{text}");
        send(&service, other, &jun, text, &format!("o{number}")).await.unwrap();
    }
    let place = send(&service, room, &jun, "fine", "f").await.unwrap().seq;
    assert_eq!(code(edit(&service, room, &jun, place, "바보야").await), Code::InvalidArgument);
    // By the site's authority all words are accepted.
    let (actor, message) = (Arc::clone(&jun), message("바보", "s"));
    let by_site = Append { room, actor, message, authority: Authority::Site };
    service.append(by_site).await.unwrap();

    put(&mina, list(&["바보"], WordAction::Flag)).await.unwrap();
    let flagged = send(&service, room, &jun, "바 보", "g").await.unwrap();
    let again = send(&service, room, &jun, "바 보", "g").await.unwrap();
    assert!(again.duplicate);
    edit(&service, room, &jun, place, "바보야").await.unwrap();
    let open = reports(&service, Some(mina.id), Some(room), ReportStatus::Open).await.unwrap();
    // Both are of one moment, so their order says nothing.
    let shown: BTreeSet<(Seq, bool)> =
        open.iter().map(|report| (report.message, report.reporter.is_none())).collect();
    assert_eq!(shown, BTreeSet::from([(place, true), (flagged.seq, true)]));
    put(&mina, WordList::default()).await.unwrap();
    send(&service, room, &jun, "damn 바보", "h").await.unwrap();
    assert_eq!(reports(&service, Some(mina.id), None, ReportStatus::Open).await.unwrap().len(), 2);
    assert_eq!(audit(&service, &mina, room).await.unwrap().len(), 3, "each setting is recorded");
    let many: Vec<String> = (0..501).map(|number| format!("word{number}")).collect();
    let many = list(&many.iter().map(String::as_str).collect::<Vec<_>>(), WordAction::Refuse);
    assert_eq!(code(put(&mina, many).await), Code::InvalidArgument);
}

async fn words_of_the_site_hold_in_every_room_and_replica(fixture: Fixture) {
    let (service, replica) = (fixture.service().await, fixture.service().await);
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let direct =
        service.make(&mina, room_of(RoomKind::Direct, "Direct", &[&jun])).await.unwrap().value.room.id;
    let site = PutWords {
        authority: Authority::User,
        actor: None,
        room: None,
        list: list(&["damn"], WordAction::Refuse),
    };
    service.put_words(site.clone()).await.unwrap();
    let by_user = PutWords { authority: Authority::User, actor: Some(Arc::clone(&mina)), ..site.clone() };
    assert_eq!(code(service.put_words(by_user).await), Code::PermissionDenied);
    for room in [room, direct] {
        assert_eq!(code(send(&service, room, &mina, "Damn!", "a").await), Code::InvalidArgument);
    }
    // Another replica hears of it by itself, and one that starts knows it.
    let holds = async {
        for number in 0.. {
            let key = format!("b{number}");
            if send(&replica, room, &mina, "damn", &key).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), holds).await.unwrap();
    let third = fixture.service().await;
    assert_eq!(code(send(&third, room, &mina, "damn", "c").await), Code::InvalidArgument);
    service
        .put_words(PutWords { authority: Authority::User, list: WordList::default(), ..site })
        .await
        .unwrap();
    send(&service, room, &mina, "damn", "d").await.unwrap();
}

async fn put_words(
    service: &Service,
    actor: &Arc<Profile>,
    room: RoomId,
    list: WordList,
) -> Result<WordList> {
    let (actor, room) = (Some(Arc::clone(actor)), Some(RoomRef::Id(room)));
    service.put_words(PutWords { authority: Authority::User, actor, room, list }).await
}

/// Nobody probes which words the moderators of a private room do not accept.
async fn a_list_says_nothing_to_who_is_not_in_its_room(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, stranger) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    put_words(&service, &mina, room, list(&["damn"], WordAction::Refuse)).await.unwrap();
    let place = send(&service, room, &mina, "fine", "f").await.unwrap().seq;
    let said = async |text: &str, key: &str| {
        let sent = send(&service, room, &stranger, text, key).await.unwrap_err();
        let edited = edit(&service, room, &stranger, place, text).await.unwrap_err();
        (sent.code, sent.message, edited.code, edited.message)
    };
    assert_eq!(said("damn", "a").await, said("a fine day", "b").await);
    assert_eq!(code(send(&service, room, &mina, "damn", "c").await), Code::InvalidArgument);
}

/// Its answer was lost, and the sender repeats it.
async fn a_message_that_was_sent_before_its_word_was_listed_is_answered_as_before(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let sent = send(&service, room, &mina, "damn", "a").await.unwrap();
    put_words(&service, &mina, room, list(&["damn"], WordAction::Refuse)).await.unwrap();
    let again = send(&service, room, &mina, "damn", "a").await.unwrap();
    assert_eq!((again.seq, again.duplicate), (sent.seq, true));
    assert_eq!(code(send(&service, room, &mina, "damn", "b").await), Code::InvalidArgument);
}

async fn a_changed_list_holds_at_once_where_it_was_set_and_then_at_other_replicas(fixture: Fixture) {
    let (service, replica) = (fixture.service().await, fixture.service().await);
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let mut number = 0;
    let mut is_refused = async |service: &Service, text: &str| {
        number += 1;
        send(service, room, &mina, text, &format!("{text} {number}")).await.is_err()
    };
    // Of one moment of the clock, and each of the same length.
    for (listed, former) in [("one", "six"), ("two", "one"), ("ten", "two")] {
        put_words(&service, &mina, room, list(&[listed], WordAction::Refuse)).await.unwrap();
        assert!(is_refused(&service, listed).await && !is_refused(&service, former).await, "{listed}");
        let follows = async {
            while !is_refused(&replica, listed).await || is_refused(&replica, former).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), follows).await.unwrap();
    }
    put_words(&service, &mina, room, WordList::default()).await.unwrap();
    assert!(!is_refused(&service, "ten").await);
    // Long words have many letters as they are compared.
    let long: Vec<String> = (0..500).map(|number| format!("{}{number}", "값".repeat(20))).collect();
    let long = list(&long.iter().map(String::as_str).collect::<Vec<_>>(), WordAction::Refuse);
    let refused = put_words(&service, &mina, room, long).await.unwrap_err();
    assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, "/words"));
}

async fn what_a_list_finds_anew_is_open_again(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    put_words(&service, &mina, room, list(&["damn", "바보"], WordAction::Flag)).await.unwrap();
    let place = send(&service, room, &jun, "damn", "a").await.unwrap().seq;
    let open = reports(&service, Some(mina.id), Some(room), ReportStatus::Open).await.unwrap();
    let [report] = open.as_slice() else { panic!("{open:?}") };
    let (actor, id) = (Some(Arc::clone(&mina)), report.id.clone());
    let settle = SettleReport { authority: Authority::User, actor, id, status: ReportStatus::Dismissed };
    service.settle_report(settle).await.unwrap();
    assert!(reports(&service, Some(mina.id), Some(room), ReportStatus::Open).await.unwrap().is_empty());
    edit(&service, room, &jun, place, "바보").await.unwrap();
    let open = reports(&service, Some(mina.id), Some(room), ReportStatus::Open).await.unwrap();
    assert_eq!(open.iter().map(|report| report.message).collect::<Vec<_>>(), [place]);
}

/// Whoever repeats what was said is answered as before, and nobody would report it then.
async fn what_a_list_finds_is_said_and_reported_or_neither(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    put_words(&service, &mina, room, list(&["damn"], WordAction::Flag)).await.unwrap();
    let root = send(&service, room, &jun, "fine", "root").await.unwrap().seq;
    let in_thread = async || {
        let thread = Some(Box::new(InThread { root, in_room: false, state: ThreadState::default() }));
        let message = Message { thread, ..message("damn", "thread") };
        let append = Append { room, actor: Arc::clone(&jun), message, authority: Authority::User };
        service.append_in_thread(AppendInThread(append)).await.map(|appended| appended.value)
    };
    fixture.refuse_reports(true).await;
    let before = service.log(room).await;
    send(&service, room, &jun, "damn", "plain").await.unwrap_err();
    in_thread().await.unwrap_err();
    edit(&service, room, &jun, root, "damn").await.unwrap_err();
    assert_eq!(service.log(room).await, before);
    fixture.refuse_reports(false).await;
    let plain = send(&service, room, &jun, "damn", "plain").await.unwrap();
    let thread = in_thread().await.unwrap();
    assert_eq!((plain.duplicate, thread.duplicate), (false, false));
    edit(&service, room, &jun, root, "damn").await.unwrap();
    let open = reports(&service, Some(mina.id), Some(room), ReportStatus::Open).await.unwrap();
    let reported: BTreeSet<Seq> = open.iter().map(|report| report.message).collect();
    assert_eq!(reported, BTreeSet::from([root, plain.seq, thread.seq]));
}

/// They are appended together with the others of their moment, each once.
async fn of_messages_sent_at_once_those_with_a_word_are_reported(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    put_words(&service, &mina, room, list(&["damn"], WordAction::Flag)).await.unwrap();
    let texts = ["damn", "damn @user-1", "fine @user-1", "fine"];
    let keys: Vec<String> = (0..40).map(|number| format!("k{}", number / 2)).collect();
    let sends = keys.iter().enumerate().map(|(number, key)| {
        // Each is said twice.
        send(&service, room, &jun, texts[number / 2 % texts.len()], key)
    });
    let sent = futures_util::future::join_all(sends).await;
    let flagged = sent.iter().enumerate().filter(|(number, _)| number / 2 % texts.len() < 2);
    let flagged: BTreeSet<Seq> = flagged.map(|(_, sent)| sent.as_ref().unwrap().seq).collect();
    assert_eq!(flagged.len(), 10);
    assert_eq!(service.log(room).await.len(), 2 + 20);
    assert_eq!(fixture.count("SELECT count(*) FROM reports").await, 10);
    let at = page(200);
    let ask = ListReports { user: Some(mina.id), room: None, status: ReportStatus::Open, page: at };
    let reported = service.list_reports(ask).await.unwrap().items;
    assert_eq!(reported.iter().map(|report| report.message).collect::<BTreeSet<_>>(), flagged);
    // A report that cannot be written holds back the message that it is of, and no other.
    fixture.refuse_reports(true).await;
    let (with_a_word, plain) =
        tokio::join!(send(&service, room, &jun, "damn", "w"), send(&service, room, &jun, "fine", "p"));
    assert!(with_a_word.is_err() && plain.is_ok());
}

/// Messages with files wait for each other; those that are reported are in calls with plain ones, which would wait too.
#[tokio::test]
async fn a_message_with_a_word_waits_for_none_with_files() {
    /// More than are appended at once.
    const FILES: u128 = 6;
    let database = madang_test_kit::EitherDatabase::postgres().await.unwrap();
    let mut holder = sqlx::PgConnection::connect(database.url()).await.unwrap();
    let fixture = Fixture::from(database);
    let service = fixture.service().await;
    let mina = user(1);
    let (held, other) = (service.given_room(&[&mina]).await, service.given_room(&[&mina]).await);
    put_words(&service, &mina, other, list(&["damn"], WordAction::Flag)).await.unwrap();
    for number in 0..FILES {
        uploaded(&service, &mina, held, number).await;
    }
    holder.execute("BEGIN").await.unwrap();
    let lock = format!("SELECT FROM rooms WHERE id = '{held}' FOR UPDATE");
    holder.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    let with_files: Vec<_> = (0..FILES)
        .map(|number| {
            let (service, mina) = (service.clone(), Arc::clone(&mina));
            tokio::spawn(
                async move { files::send(&service, &mina, held, &format!("f{number}"), &[number]).await },
            )
        })
        .collect();
    let waiting = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    fixture.await_count(waiting, 4).await;
    let said = send(&service, other, &mina, "damn", "d");
    tokio::time::timeout(Duration::from_secs(2), said).await.expect("it waits for no turn").unwrap();
    assert!(with_files.iter().all(|sending| !sending.is_finished()));
    holder.execute("COMMIT").await.unwrap();
    for sent in with_files {
        sent.await.unwrap().unwrap();
    }
}

async fn replicas_whose_clocks_differ_hear_of_every_list(fixture: Fixture) {
    let service = fixture.service().await;
    let ahead = fixture.service_ahead(TOMBSTONE_KEPT * 3).await;
    let (mina, jun) = (user(1), user(2));
    // Of the one that is behind, and after one of that which is ahead.
    for (number, setting, other) in [(0, &service, &ahead), (1, &ahead, &service), (2, &service, &ahead)] {
        let room = service.given_room(&[&mina, &jun]).await;
        put_words(setting, &mina, room, list(&["damn"], WordAction::Refuse)).await.unwrap();
        let holds = async {
            for attempt in 0.. {
                if send(other, room, &jun, "damn", &format!("{number}-{attempt}")).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(10), holds).await;
        assert!(heard.is_ok(), "list {number} does not hold at the other replica");
    }
}

async fn a_list_holds_although_one_of_a_later_time_is_gone(fixture: Fixture) {
    let service = fixture.service().await;
    let ahead = fixture.service_ahead(Duration::from_secs(3_600)).await;
    let (mina, jun) = (user(1), user(2));
    let gone = service.given_room(&[&mina, &jun]).await;
    put_words(&ahead, &mina, gone, list(&["damn"], WordAction::Refuse)).await.unwrap();
    let refused = async |service: &Service, room: RoomId| {
        let refused = async {
            for attempt in 0.. {
                if send(service, room, &jun, "damn", &format!("{attempt}")).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the list holds");
    };
    refused(&service, gone).await;
    let (actor, room) = (Some(Arc::clone(&mina)), RoomRef::Id(gone));
    service.delete_room(DeleteRoom { actor, authority: Authority::User, room }).await.unwrap();
    // A replica that starts removes what was the room's when its tombstone has served its time.
    fixture.clock.advance(TOMBSTONE_KEPT * 2);
    let _purger = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM word_lists", 0).await;
    let room = service.given_room(&[&mina, &jun]).await;
    put_words(&service, &mina, room, list(&["damn"], WordAction::Refuse)).await.unwrap();
    assert_eq!(code(send(&service, room, &jun, "damn", "at once").await), Code::InvalidArgument);
    refused(&ahead, room).await;
}

async fn a_reporter_and_what_a_record_is_about_are_forgotten(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let place = send(&service, room, &hana, "hello", "k").await.unwrap().seq;
    report(&service, room, &jun, place, "zyzzyva said so").await.unwrap();
    let restrict = Restrict {
        actor: Arc::clone(&mina),
        authority: Authority::User,
        room: RoomRef::Id(room),
        user: Arc::clone(&jun),
        kind: Restriction::Ban,
        on: true,
        until: None,
        reason: reason("zyzzyva is noisy"),
    };
    service.restrict(restrict).await.unwrap();
    assert_eq!(fixture.dump().await.matches("zyzzyva").count(), 4, "report, restriction, audit and notice");
    erase(&service, jun.id).await;
    assert_eq!(fixture.dump().await.matches("zyzzyva").count(), 0);
    // That there was something stays.
    let left = reports(&service, Some(mina.id), None, ReportStatus::Open).await.unwrap();
    assert_eq!(left[0].reporter.as_ref().unwrap().name.as_str(), "deleted user");
    let entries = audit(&service, &mina, room).await.unwrap();
    assert_eq!((entries.len(), entries[0].reason.clone()), (1, None));
    let (limit, user) = (page(1), Some(mina.id));
    let list = ListReports { user, room: None, status: ReportStatus::Open, page: limit };
    assert_eq!(service.list_reports(list).await.unwrap().items.len(), 1);
}

async fn reports_of_all_rooms_are_found_by_their_status(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    for number in 0..3 {
        let room = service.given_room(&[&mina, &jun]).await;
        let said = send(&service, room, &mina, "text", &format!("k{number}")).await.unwrap().seq;
        report(&service, room, &jun, said, "spam").await.unwrap();
    }
    if fixture.url.starts_with("sqlite") {
        let index = "SELECT count(*) FROM sqlite_master WHERE sql LIKE '%ON reports (status, id)'";
        assert_eq!(fixture.count(index).await, 1);
    } else {
        // Many that were settled, in one room.
        let settled = "INSERT INTO reports (room, message, reporter, id, at, status) \
             SELECT r.room, r.message, gen_random_uuid(), gen_random_uuid(), 0, 2 \
             FROM (SELECT * FROM reports LIMIT 1) r, generate_series(1, 20000); ANALYZE reports";
        fixture.execute(settled).await;
        let plan = "EXPLAIN SELECT id FROM reports x WHERE x.status = 2 AND x.id > '80000000-0000-0000-0000-000000000000' \
             ORDER BY x.id LIMIT 50";
        let plan = fixture.database().texts(plan).await.unwrap().join("\n");
        assert!(plan.contains("reports_of_all") && !plan.contains("Sort"), "{plan}");
    }
    let list = ListReports { user: None, room: None, status: ReportStatus::Open, page: page(2) };
    let first = service.list_reports(list).await.unwrap();
    let rest = PageQuery { limit: 2, cursor: first.next };
    let list = ListReports { user: None, room: None, status: ReportStatus::Open, page: rest };
    let second = service.list_reports(list).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (2, 1, None));
}
