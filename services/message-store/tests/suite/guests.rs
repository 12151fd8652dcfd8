//! Guests: members who read, and send where the room lets them. The table of permissions is walked in
//! [`permissions`](crate::permissions).

use std::sync::Arc;

use madang_domain::{
    AddedBy, AuditAction, Authority, Code, Profile, Result, Role, RoomFlagChanges, RoomId, RoomRef,
    event::{Event, EventBody, Joined, RoleChanged},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Changed, GetRoom, Join, Leave, ListAudit, ListMembers, Member, PutMember, PutUserSettings,
    },
};

use crate::{
    deletions::delete,
    edits::edit,
    files::begin,
    reactions::react,
    room_flags::{NONE, set},
    support::{Fixture, Words as _, assert_logged, message, page, user},
    threads::reply,
};

madang_test_kit::on_both!(
    a_guest_reads_and_speaks_only_where_the_room_lets_guests,
    owners_make_guests_and_members_of_them,
    who_is_invited_as_a_guest_joins_as_one,
    a_release_that_knows_no_guests_sees_a_member_and_cannot_send_for_one,
);

const LET: RoomFlagChanges = RoomFlagChanges { guests_send: Some(true), ..NONE };

async fn put(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    user: &Arc<Profile>,
    role: Role,
) -> Result<Changed<Member>> {
    let (actor, user) = (Arc::clone(actor), Arc::clone(user));
    service.put_member(PutMember { actor, authority: Authority::User, room: room.into(), user, role }).await
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

fn bodies(events: &[Event]) -> Vec<EventBody> {
    events.iter().map(|event| event.body.clone()).collect()
}

async fn a_guest_reads_and_speaks_only_where_the_room_lets_guests(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, gus, jun] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &gus, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let own = service.say(room, &gus, "as a member").await.unwrap().seq;
    put(&service, room, &mina, &gus, Role::Guest).await.unwrap();

    // What each way to say something answers, to a guest and to the others.
    let speak = async |key: &str| {
        let message = message("@user-1", &format!("mention {key}"));
        let mention = Append { room, actor: Arc::clone(&gus), message, authority: Authority::User };
        [
            code(service.say(room, &gus, key).await),
            code(service.append(mention).await),
            code(reply(&service, room, &gus, root, &format!("thread {key}")).await),
            code(react(&service, room, &gus, root, "👍", true).await),
            code(edit(&service, room, &gus, own, key).await),
            code(service.begin_upload(begin(&gus, room, if key == "refused" { 1 } else { 2 })).await),
        ]
    };
    assert_eq!(speak("refused").await, [Some(Code::PermissionDenied); 6]);
    assert_eq!(code(delete(&service, room, &gus, own).await), Some(Code::PermissionDenied));
    assert!(service.say(room, &gus, "as a member").await.unwrap().duplicate, "what is committed stays so");
    service.say(room, &jun, "a member").await.unwrap();
    assert!(service.open_since(room, &gus, Some((0, None))).await.unwrap().complete, "a guest reads");
    assert_eq!(service.unread(room, &gus).await, 2);

    set(&service, room, &mina, LET).await.unwrap();
    assert_eq!(speak("let").await, [None; 6]);
    assert_eq!(code(delete(&service, room, &gus, own).await), None);
    // By the site's authority it is the site that speaks.
    set(&service, room, &mina, RoomFlagChanges { guests_send: Some(false), ..NONE }).await.unwrap();
    let by_site = Append {
        room,
        actor: Arc::clone(&gus),
        message: message("by the site", "site"),
        authority: Authority::Site,
    };
    service.append(by_site).await.unwrap();
    // Guests are let no further than members.
    set(&service, room, &mina, RoomFlagChanges { announcement: Some(true), ..LET }).await.unwrap();
    assert_eq!(code(service.say(room, &gus, "news").await), Some(Code::PermissionDenied));
    assert_eq!(code(service.say(room, &jun, "news").await), Some(Code::PermissionDenied));
}

async fn owners_make_guests_and_members_of_them(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, gus, jun] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    put(&service, room, &mina, &jun, Role::Moderator).await.unwrap();
    assert_eq!(
        code(put(&service, room, &jun, &gus, Role::Guest).await),
        Some(Code::PermissionDenied),
        "to add somebody with a role is to give it"
    );
    let added = put(&service, room, &mina, &gus, Role::Guest).await.unwrap();
    assert_eq!(added.value.role, Role::Guest);
    assert!(bodies(&added.events).contains(&EventBody::Joined(Joined { role: Role::Guest })));
    assert_logged(&service, room, &added).await;
    assert!(put(&service, room, &mina, &gus, Role::Guest).await.unwrap().events.is_empty(), "a repeat");
    assert_eq!(code(put(&service, room, &gus, &gus, Role::Member).await), Some(Code::PermissionDenied));
    assert_eq!(code(put(&service, room, &jun, &gus, Role::Member).await), Some(Code::PermissionDenied));

    // Everywhere it says that the user is a guest.
    let list = ListMembers { user: Some(gus.id), room: room.into(), page: page(10) };
    let members = service.list_members(list).await.unwrap().items;
    let roles: Vec<(&Arc<Profile>, Role)> =
        members.iter().map(|member| (&member.user, member.role)).collect();
    assert_eq!(roles, [(&mina, Role::Owner), (&jun, Role::Moderator), (&gus, Role::Guest)]);
    let view = service.get_room(GetRoom { user: Some(gus.id), room: room.into() }).await.unwrap();
    assert_eq!(view.membership.unwrap().role, Role::Guest);
    assert_eq!(service.open_since(room, &gus, None).await.unwrap().role, Role::Guest);

    for (role, told) in
        [(Role::Member, Role::Member), (Role::Guest, Role::Guest), (Role::Moderator, Role::Moderator)]
    {
        let changed = put(&service, room, &mina, &gus, role).await.unwrap();
        assert_eq!(changed.value.role, role);
        assert_eq!(bodies(&changed.events), [EventBody::RoleChanged(RoleChanged { role: told })]);
    }
    let audit = ListAudit { user: mina.id, room: RoomRef::Id(room), page: page(10) };
    let given = service.list_audit(audit).await.unwrap().items;
    let given: Vec<Option<Role>> = given
        .iter()
        .filter(|entry| *entry.action == *AuditAction::RoleGiven.as_str())
        .map(|entry| entry.role)
        .collect();
    assert_eq!(given[..3], [Some(Role::Moderator), Some(Role::Guest), Some(Role::Member)]);

    // A page of members ends at a guest, and goes on behind.
    put(&service, room, &mina, &gus, Role::Guest).await.unwrap();
    let more: Vec<Arc<Profile>> = (10..13).map(user).collect();
    for member in &more {
        put(&service, room, &mina, member, Role::Member).await.unwrap();
    }
    let (mut cursor, mut listed) = (None, Vec::new());
    loop {
        let page = madang_rpc::store::PageQuery { limit: 1, cursor };
        let list = ListMembers { user: Some(mina.id), room: room.into(), page };
        let page = service.list_members(list).await.unwrap();
        listed.extend(page.items.into_iter().map(|member| member.user.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(listed.len(), 6);
}

async fn who_is_invited_as_a_guest_joins_as_one(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, gus] = [1, 2].map(user);
    let settings = PutUserSettings {
        user: gus.id,
        added_by: Some(AddedBy::Nobody),
        do_not_disturb_until: None,
        hides_presence: None,
        hides_last_seen: None,
        hides_typing: None,
    };
    service.put_user_settings(settings).await.unwrap();
    let room = service.given_room(&[&mina]).await;
    let invited = put(&service, room, &mina, &gus, Role::Guest).await.unwrap().value;
    assert!(invited.invited && invited.role == Role::Guest);
    let join = Join { actor: Arc::clone(&gus), room: room.into() };
    let joined = service.join(join).await.unwrap();
    assert_eq!(joined.value.membership.unwrap().role, Role::Guest);
    service.leave(Leave { actor: Arc::clone(&gus), room: room.into() }).await.unwrap();
}

/// What such a release reads are the columns that it knows, and its messages go through the functions of the database. With
/// SQLite there is one process alone.
async fn a_release_that_knows_no_guests_sees_a_member_and_cannot_send_for_one(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, gus] = [1, 2].map(user);
    let room = service.given_room(&[&mina]).await;
    put(&service, room, &mina, &gus, Role::Guest).await.unwrap();
    let members = "SELECT count(*) FROM members WHERE role = 1 AND guest";
    assert_eq!(fixture.count(members).await, 1);
    let told = r#"SELECT count(*) FROM events WHERE kind = 2 AND detail = '{"role":"member","guest":true}'"#;
    assert_eq!(fixture.count(told).await, 1);
    // It gives a role without touching the mark, which then says nothing.
    fixture.execute("UPDATE members SET role = 2 WHERE guest").await;
    assert_eq!(service.role(room, &gus).await, Role::Moderator);
    service.say(room, &gus, "as a moderator").await.unwrap();
    fixture.execute("UPDATE members SET role = 1 WHERE guest").await;
    assert_eq!(service.role(room, &gus).await, Role::Guest);
    assert_eq!(code(service.say(room, &gus, "as a guest").await), Some(Code::PermissionDenied));
}
