//! Users who are erased: what is left of them, and what is not.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_domain::{
    Attachment, AttachmentUrl, AvatarUrl, Code, Emoji, ExternalId, FileName, MediaType, Profile, Restriction,
    Role, RoomId, RoomRef, Seq, Timestamp, TopicId, UserId, Username,
    event::{Event, EventBody},
};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, BeginExport, Block, Changed, DeleteRoom, EraseUser, HistoryFrom, Join, Leave,
        ListMembers, MakeInvitation, NoteSeen, Notify, PutMember, PutStatus, PutUserSettings, React,
        RememberProfile, Restrict, RoomKind, Seen, Status, TellFollowers,
    },
};

use crate::{
    edits::{edit, said},
    files::{send as send_files, uploaded},
    support::{Fixture, Words as _, message, page, room_of, user},
    threads::{follow, reply, reply_as},
};

madang_test_kit::on_both!(
    nothing_of_an_erased_user_is_left,
    the_last_owner_hands_over,
    what_others_said_stays_in_its_order,
    an_erasure_goes_on_where_it_ended,
    an_erased_user_becomes_no_member,
    an_erasure_beside_joins_ends_without_the_user,
    a_direct_room_keeps_what_the_other_said,
    a_long_log_is_erased_in_bounded_steps,
    no_notice_begins_an_erased_inbox_anew,
);

/// What stands nowhere else.
pub(crate) const WORD: &str = "zyzzyva";

/// No erasure of a test takes more steps.
pub(crate) const STEPS_MAX: usize = 2_000;

pub(crate) fn named() -> Arc<Profile> {
    let plain = user(1);
    Arc::new(Profile {
        username: Username::new(WORD).unwrap(),
        name: "Zyzzyva Kim".parse().unwrap(),
        avatar_url: Some(AvatarUrl::new("https://pictures.example/zyzzyva.png").unwrap()),
        external_id: Some(ExternalId::new("site-zyzzyva").unwrap()),
        ..(*plain).clone()
    })
}

/// Takes steps until nothing is left, and answers what they have committed.
pub(crate) async fn erase(service: &Service, user: UserId) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..STEPS_MAX {
        let step = service.erase_user(EraseUser { user }).await.unwrap();
        events.extend(step.events);
        if step.value.done {
            return events;
        }
    }
    panic!("{STEPS_MAX} steps, and still something left");
}

pub(crate) async fn send(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    text: &str,
    key: &str,
) -> Seq {
    let actor = Arc::clone(actor);
    let append = Append { room, actor, message: message(text, key), authority: Authority::User };
    service.append(append).await.unwrap().seq
}

async fn react(service: &Service, room: RoomId, actor: &Arc<Profile>, message: Seq) {
    let (actor, room) = (Arc::clone(actor), RoomRef::Id(room));
    let emoji = Emoji::new("👍").unwrap();
    service.react(React { actor, room, message, emoji, on: true }).await.unwrap();
}

pub(crate) async fn leave(service: &Service, room: RoomId, actor: &Arc<Profile>) {
    service.leave(Leave { actor: Arc::clone(actor), room: RoomRef::Id(room) }).await.unwrap();
}

/// The lines of a dump in which the word stands, however it is written.
pub(crate) fn traces(dump: &str) -> Vec<String> {
    dump.lines().filter(|line| line.to_lowercase().contains(WORD)).map(str::to_owned).collect()
}

/// Something of a user wherever something can stand.
async fn everywhere(fixture: &Fixture, service: &Service, [gone, jun, hana]: [&Arc<Profile>; 3]) -> RoomId {
    let room = service.given_room(&[gone, jun, hana]).await;
    let mut first = message(&format!("{WORD}-original @user-2"), &format!("{WORD}-key"));
    first.attachments.push(Attachment {
        url: AttachmentUrl::new(format!("https://files.example/{WORD}")).unwrap(),
        name: FileName::new(format!("{WORD}.txt")).unwrap(),
        content_type: MediaType::new("text/plain").unwrap(),
        size_bytes: 1,
        file: None,
        image: None,
    });
    let append = Append { room, actor: Arc::clone(gone), message: first, authority: Authority::User };
    let place = service.append(append).await.unwrap().seq;
    for number in 0..2 {
        edit(service, room, gone, place, &format!("{WORD}-edit-{number}")).await.unwrap();
    }
    // Others name the user: in what they say, and in what they said.
    let of_jun = send(service, room, jun, "@zyzzyva, hello", "j1").await;
    send(service, room, hana, "오늘 @Zyzzyva님께서 오셨나요?", "h1").await;
    edit(service, room, jun, of_jun, "hello @zyzzyva. and @user-3").await.unwrap();
    let without = send(service, room, jun, "ask @zyzzyva", "j2").await;
    edit(service, room, jun, without, "ask nobody").await.unwrap();
    react(service, room, gone, of_jun).await;
    react(service, room, jun, of_jun).await;
    // A room that the user has left, a room that is the user's alone, and one that was deleted.
    let left = service.given_room(&[jun, gone]).await;
    send(service, left, gone, &format!("{WORD} before leaving"), &format!("{WORD}-l")).await;
    let in_left = send(service, left, jun, "who is @zyzzyva", "j3").await;
    react(service, left, gone, in_left).await;
    // In a thread, and as a file, that a message has and that none has.
    reply(service, left, gone, in_left, &format!("{WORD} in a thread")).await.unwrap();
    let of_jun_there = (jun, Authority::User);
    let there = ("in a thread: @zyzzyva", "j4");
    reply_as(service, left, of_jun_there, in_left, there, false).await.unwrap();
    follow(service, left, gone, in_left, true).await.unwrap();
    uploaded(service, gone, left, 1).await;
    send_files(service, gone, left, "f", &[1]).await.unwrap();
    uploaded(service, gone, left, 2).await;
    leave(service, left, gone).await;
    let own = service.given_room(&[gone]).await;
    send(service, own, gone, &format!("{WORD} alone"), "o").await;
    let deleted = service.given_room(&[gone, jun]).await;
    send(service, deleted, gone, &format!("{WORD} in a deleted room"), "d").await;
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(gone)),
            room: RoomRef::Id(deleted),
        })
        .await
        .unwrap();
    // A direct room has the names of the two.
    let new = room_of(RoomKind::Direct, "Zyzzyva Kim, User 2", &[jun]);
    let direct = service.make(gone, new).await.unwrap().value.room.id;
    send(service, direct, gone, &format!("{WORD} in private"), "p").await;
    // What the user has, and what others have of the user.
    let data = format!(r#"{{"for":"{WORD}"}}"#).into();
    service.notify(Notify { user: Arc::clone(gone), data, key: None }).await.unwrap();
    service.block(Block { actor: Arc::clone(gone), user: user(9) }).await.unwrap();
    service.block(Block { actor: user(9), user: Arc::clone(gone) }).await.unwrap();
    let settings = PutUserSettings {
        added_by: Some(madang_domain::AddedBy::Nobody),
        ..PutUserSettings::nothing(gone.id)
    };
    service.put_user_settings(settings).await.unwrap();
    let status = Status { text: format!("{WORD} at lunch").parse().unwrap(), until: None };
    service.put_status(PutStatus { user: Arc::clone(gone), status: Some(status) }).await.unwrap();
    let seen = vec![Seen { user: gone.id, at: fixture.clock.now() }];
    service.note_seen(NoteSeen { seen }).await.unwrap();
    let other = service.given_room(&[jun]).await;
    let put = PutMember {
        actor: Arc::clone(jun),
        authority: Authority::User,
        room: RoomRef::Id(other),
        user: Arc::clone(gone),
        role: Role::Member,
    };
    assert!(service.put_member(put).await.unwrap().value.invited);
    let (actor, link_to) = (Arc::clone(gone), RoomRef::Id(room));
    let link =
        MakeInvitation { authority: Authority::User, actor, room: link_to, expires_at: None, uses: None };
    service.make_invitation(link).await.unwrap();
    let ban = Restrict {
        actor: Arc::clone(hana),
        authority: Authority::Site,
        room: RoomRef::Id(service.given_room(&[hana]).await),
        user: Arc::clone(gone),
        kind: Restriction::Ban,
        on: true,
        until: None,
        reason: Some(format!("{WORD} is noisy").parse().unwrap()),
    };
    service.restrict(ban).await.unwrap();
    service.begin_export(BeginExport { user: gone.id }).await.unwrap();
    fixture.await_index().await;
    room
}

async fn nothing_of_an_erased_user_is_left(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun, hana) = (named(), user(2), user(3));
    let room = everywhere(&fixture, &service, [&gone, &jun, &hana]).await;
    let before = traces(&fixture.dump().await);
    let tables: BTreeSet<&str> = before.iter().filter_map(|line| line.split(':').next()).collect();
    // The dump sees it wherever it is.
    assert!(before.len() >= 15, "{before:#?}");
    for table in ["profiles", "rooms", "revisions", "user_states", "restrictions", "search", "files"] {
        assert!(tables.contains(table), "{table}: {tables:?}");
    }
    let events = erase(&service, gone.id).await;
    // What a replica that starts finds to be removed: the logs of deleted rooms.
    let replica = fixture.service().await;
    // The sockets of the user close after the end of the account, and a gateway says so.
    let seen = vec![Seen { user: gone.id, at: fixture.clock.now() }];
    service.note_seen(NoteSeen { seen }).await.unwrap();
    fixture.await_count("SELECT count(*) FROM purges WHERE since = 0", 0).await;
    fixture.await_index().await;
    let left = traces(&fixture.dump().await);
    assert!(left.is_empty(), "{left:#?}");
    for rows in [
        "SELECT count(*) FROM blocks",
        "SELECT count(*) FROM user_states",
        "SELECT count(*) FROM invitations",
        "SELECT count(*) FROM invitation_links",
        "SELECT count(*) FROM restrictions",
        "SELECT count(*) FROM exports",
        "SELECT count(*) FROM erasure_rooms",
        "SELECT count(*) FROM erasures WHERE done_at IS NULL",
    ] {
        assert_eq!(fixture.count(rows).await, 0, "{rows}");
    }
    let settings = fixture.count("SELECT count(*) FROM user_settings").await;
    assert_eq!(settings, 1, "those of the one who had blocked the user");

    // Others see that somebody was there, and what they have said themselves.
    let log = replica.log(room).await;
    let shown: BTreeSet<&str> =
        log.iter().filter(|event| event.actor.id == gone.id).map(|event| event.actor.name.as_str()).collect();
    assert_eq!(shown, ["deleted user"].into());
    let texts: Vec<String> = log.iter().filter_map(text).collect();
    assert_eq!(
        texts,
        ["", "hello [deleted user]. and @user-3", "오늘 [deleted user]님께서 오셨나요?", "ask nobody"],
        "a tombstone, and what others said"
    );
    let reactions: Vec<u64> = log
        .iter()
        .filter_map(message_of)
        .flat_map(|message| message.changes.clone())
        .flat_map(|changes| changes.reactions.iter().map(|of| of.count).collect::<Vec<_>>())
        .collect();
    assert_eq!(reactions, [1], "one's own is taken back");
    // All of it was told by events.
    let is_of = |topic: RoomId| events.iter().filter(move |event| event.topic == TopicId::Room(topic));
    assert!(is_of(room).any(|event| matches!(event.body, EventBody::Left(_))));
    assert!(is_of(room).any(|event| matches!(event.body, EventBody::Deleted(_))));
    assert!(is_of(room).any(|event| matches!(&event.body, EventBody::Reacted(reacted) if !reacted.on)));
    assert!(service.erase_user(EraseUser { user: gone.id }).await.unwrap().value.done);
}

fn message_of(event: &Event) -> Option<&madang_domain::event::Message> {
    match &event.body {
        EventBody::Message(message) => Some(message),
        _ => None,
    }
}

fn text(event: &Event) -> Option<String> {
    message_of(event).map(|message| message.text.clone())
}

async fn the_last_owner_hands_over(fixture: Fixture) {
    let service = fixture.service().await;
    let [gone, member, moderator, younger] = [1, 2, 3, 4].map(user);
    let put = async |room: RoomId, user: &Arc<Profile>, role: Role| {
        let put = PutMember {
            actor: Arc::clone(&gone),
            authority: Authority::User,
            room: RoomRef::Id(room),
            user: Arc::clone(user),
            role,
        };
        service.put_member(put).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    };
    let with_moderators = service.given_room(&[&gone, &member]).await;
    put(with_moderators, &moderator, Role::Moderator).await;
    put(with_moderators, &younger, Role::Moderator).await;
    let with_members = service.given_room(&[&gone]).await;
    put(with_members, &moderator, Role::Guest).await;
    put(with_members, &member, Role::Member).await;
    put(with_members, &younger, Role::Member).await;
    let with_owners = service.given_room(&[&gone, &member]).await;
    put(with_owners, &younger, Role::Owner).await;
    let alone = service.given_room(&[&gone]).await;
    let with_guests = service.given_room(&[&gone]).await;
    put(with_guests, &younger, Role::Guest).await;

    let events = erase(&service, gone.id).await;
    // A guest comes after all members, however long there; and before nobody.
    assert_eq!(service.role(with_members, &moderator).await, Role::Guest);
    assert_eq!(service.role(with_guests, &younger).await, Role::Owner);
    assert_eq!(service.role(with_moderators, &moderator).await, Role::Owner);
    assert_eq!(service.role(with_moderators, &younger).await, Role::Moderator);
    assert_eq!(service.role(with_members, &member).await, Role::Owner);
    assert_eq!(service.role(with_members, &younger).await, Role::Member);
    assert_eq!(service.role(with_owners, &member).await, Role::Member);
    let roles: Vec<UserId> = events
        .iter()
        .filter(|event| matches!(event.body, EventBody::RoleChanged(_)))
        .filter_map(|event| event.subject.as_ref().map(|subject| subject.id))
        .collect();
    assert_eq!(roles.len(), 3, "{roles:?}");
    // A room in which nobody is left goes.
    assert_eq!(fixture.count("SELECT count(*) FROM rooms").await, 4);
    assert!(events.iter().any(|event| event.topic == TopicId::Room(alone)
        && matches!(&event.body, EventBody::RoomChanged(changed) if changed.deleted)));
    for room in [with_moderators, with_members, with_owners] {
        let list = ListMembers { user: Some(younger.id), room: RoomRef::Id(room), page: page(10) };
        let members = service.list_members(list).await.unwrap().items;
        assert!(members.iter().all(|member| member.user.id != gone.id));
        let view = service.view(room, &younger).await.room;
        assert_eq!(view.member_count, members.len() as u64);
    }
}

async fn what_others_said_stays_in_its_order(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (user(1), user(2));
    let room = service.given_room(&[&jun, &gone]).await;
    for number in 0..10 {
        let actor = if number % 2 == 0 { &gone } else { &jun };
        send(&service, room, actor, &format!("message {number}"), &format!("k{number}")).await;
    }
    let unread = service.unread(room, &jun).await;
    assert_eq!(unread, 5);
    let before = service.log(room).await;
    erase(&service, gone.id).await;
    let after = service.log(room).await;
    for (one, other) in before.iter().zip(&after) {
        assert_eq!((one.seq, one.at, one.actor.id), (other.seq, other.at, other.actor.id));
        if one.actor.id == jun.id {
            assert_eq!(one.body, other.body);
        } else if message_of(other).is_some() {
            assert!(said(other).is_deleted());
        }
    }
    assert_eq!(service.unread(room, &jun).await, 0, "what is deleted is not unread");
    let history = service.history_from(room, &jun, HistoryFrom::End, 200).await.unwrap().events;
    assert_eq!(history.len(), after.len());
}

async fn an_erasure_goes_on_where_it_ended(fixture: Fixture) {
    let (gone, jun, hana) = (named(), user(2), user(3));
    let first = fixture.service().await;
    everywhere(&fixture, &first, [&gone, &jun, &hana]).await;
    drop(first);
    // Each step is taken by a replica that dies after it, and from the fifth on two do it at once.
    for number in 0..STEPS_MAX {
        let (one, two) = (fixture.service().await, fixture.service().await);
        let step = EraseUser { user: gone.id };
        let done = if number < 5 {
            one.erase_user(step).await.unwrap().value.done
        } else {
            let (one, two) = tokio::join!(one.erase_user(step), two.erase_user(step));
            one.unwrap().value.done || two.unwrap().value.done
        };
        if done {
            break;
        }
    }
    let service = fixture.service().await;
    assert!(service.erase_user(EraseUser { user: gone.id }).await.unwrap().value.done);
    fixture.await_count("SELECT count(*) FROM purges WHERE since = 0", 0).await;
    fixture.await_index().await;
    let left = traces(&fixture.dump().await);
    assert!(left.is_empty(), "{left:#?}");
}

async fn an_erased_user_becomes_no_member(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (named(), user(2));
    let public = service.given_public_room(&jun).await;
    let room = service.given_room(&[&jun, &gone]).await;
    let told = service.erase_user(EraseUser { user: gone.id }).await.unwrap().value.told.unwrap();
    assert_eq!((told.user.name.as_str(), told.rooms), ("deleted user", vec![room]));
    let code = |outcome: Result<Changed<_>, madang_domain::Error>| outcome.err().map(|error| error.code);
    let join = Join { actor: Arc::clone(&gone), room: RoomRef::Id(public) };
    assert_eq!(code(service.join(join).await), Some(Code::NotFound));
    let put = PutMember {
        actor: Arc::clone(&jun),
        authority: Authority::Site,
        room: RoomRef::Id(public),
        user: Arc::clone(&gone),
        role: Role::Member,
    };
    let refused = service.put_member(put).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    let notify = Notify { user: Arc::clone(&gone), data: "{}".into(), key: None };
    assert_eq!(service.notify(notify).await.unwrap_err().code, Code::NotFound);
    assert_eq!(
        service.make(&gone, room_of(RoomKind::Private, "Room", &[])).await.unwrap_err().code,
        Code::NotFound
    );
    // A profile that comes late does not bring the name back.
    let later = Arc::new(Profile { version: Timestamp::from_micros(i64::MAX - 1), ..(*gone).clone() });
    let remembered = service.remember_profile(RememberProfile { user: later }).await.unwrap();
    assert_eq!(remembered.user.name.as_str(), "deleted user");
    erase(&service, gone.id).await;
    assert_eq!(traces(&fixture.dump().await), Vec::<String>::new());
}

async fn an_erasure_beside_joins_ends_without_the_user(fixture: Fixture) {
    let (one, two) = (fixture.service().await, fixture.service().await);
    let owner = user(1);
    let mut rooms = Vec::new();
    for _ in 0..8 {
        rooms.push(one.given_public_room(&owner).await);
    }
    for number in 10..14 {
        let gone = user(number);
        let joins = rooms.iter().map(|room| {
            let (service, actor) = (two.clone(), Arc::clone(&gone));
            let room = *room;
            async move {
                let joined = service.join(Join { actor: Arc::clone(&actor), room: RoomRef::Id(room) }).await;
                if joined.is_ok() {
                    let message = message("said in between", "k");
                    let append = Append { room, actor, message, authority: Authority::User };
                    drop(service.append(append).await);
                }
            }
        });
        tokio::join!(erase(&one, gone.id), futures_util::future::join_all(joins));
        let members = format!(
            "SELECT count(*) FROM members WHERE user_id = {}",
            if fixture.url.starts_with("sqlite") {
                format!("x'{}'", gone.id.uuid().simple())
            } else {
                format!("'{}'", gone.id)
            }
        );
        assert_eq!(fixture.count(&members).await, 0);
    }
    assert_eq!(fixture.count("SELECT count(*) FROM events WHERE text = 'said in between'").await, 0);
}

async fn a_direct_room_keeps_what_the_other_said(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (named(), user(2));
    let new = room_of(RoomKind::Direct, "Zyzzyva Kim, User 2", &[&jun]);
    let direct = service.make(&gone, new).await.unwrap().value.room.id;
    send(&service, direct, &gone, "mine", "k1").await;
    send(&service, direct, &jun, "yours", "k2").await;
    erase(&service, gone.id).await;
    let texts: Vec<String> = service.log(direct).await.iter().filter_map(text).collect();
    assert_eq!(texts, ["", "yours"]);
    let view = service.view(direct, &jun).await.room;
    assert_eq!((view.name.as_str(), view.flags.archived), ("deleted user", true));
    assert_eq!(service.listed(&jun).await, [direct]);
    let refused = service.say(direct, &jun, "k3").await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    let inbox = service
        .inbox(madang_rpc::store::Inbox { user: jun.id, from: HistoryFrom::End, limit: 10 })
        .await
        .unwrap();
    assert!(!format!("{inbox:?}").to_lowercase().contains(WORD), "{inbox:?}");
    assert_eq!(traces(&fixture.dump().await), Vec::<String>::new());
    // Once both are gone, so is the room.
    erase(&service, jun.id).await;
    assert_eq!(fixture.count("SELECT count(*) FROM rooms").await, 0);
}

async fn a_long_log_is_erased_in_bounded_steps(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (user(1), user(2));
    let room = service.given_room(&[&jun, &gone]).await;
    for number in 0..100 {
        send(&service, room, &gone, "a message", &format!("g{number}")).await;
        send(&service, room, &jun, "an answer @nobody", &format!("j{number}")).await;
    }
    let mut largest = 0;
    for _ in 0..STEPS_MAX {
        let step = service.erase_user(EraseUser { user: gone.id }).await.unwrap();
        largest = largest.max(step.events.len());
        if step.value.done {
            break;
        }
    }
    assert!((20..=32).contains(&largest), "{largest}");
    assert_eq!(fixture.count("SELECT count(*) FROM events WHERE text = 'a message'").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM events WHERE text = 'an answer @nobody'").await, 100);
    assert_eq!(fixture.count("SELECT count(*) FROM deletions").await, 100);
}

async fn no_notice_begins_an_erased_inbox_anew(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (user(1), user(2));
    let new = room_of(RoomKind::Direct, "User 1, User 2", &[&jun]);
    let direct = service.make(&gone, new).await.unwrap().value.room.id;
    let root = send(&service, direct, &gone, "a root", "k1").await;
    // The name is gone, and the membership not yet: the sender of the root follows the thread that begins there.
    service.erase_user(EraseUser { user: gone.id }).await.unwrap();
    let said = reply(&service, direct, &jun, root, "an answer").await.unwrap().value.seq;
    assert_eq!(fixture.count("SELECT count(*) FROM thread_follows").await, 2);
    let is_without_inbox = "SELECT count(*) FROM erasures WHERE stage >= 3";
    while fixture.count(is_without_inbox).await == 0 {
        assert!(!service.erase_user(EraseUser { user: gone.id }).await.unwrap().value.done);
    }
    // The gateway that sent the answer asks for it late.
    let told = service.tell_followers(TellFollowers { room: direct, message: said }).await.unwrap();
    assert_eq!(told.events, []);
    erase(&service, gone.id).await;
    let inboxes = "SELECT count(*) FROM inboxes";
    assert_eq!(fixture.count(inboxes).await, 1, "that of the invitation to the other");
    assert_eq!(fixture.count("SELECT count(*) FROM thread_follows").await, 1, "the other's");
}
