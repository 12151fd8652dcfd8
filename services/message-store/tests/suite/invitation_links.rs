//! Invitation links.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Code, Profile, Result, Role, RoomId, Timestamp,
    event::EventBody,
    limits::{INVITATION_DEFAULT_DAYS, INVITATION_MAX_DAYS, INVITATION_USES_MAX, ROOM_INVITATIONS_MAX},
};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        AcceptInvitation, Authority, Changed, DeleteRoom, Invitation, ListInvitations, MadeInvitation,
        MakeInvitation, RevokeInvitation, RoomKind, RoomView,
    },
};

use crate::{
    moderation::{Terms, ban},
    support::{Fixture, Words as _, assert_logged, room_of, user},
};

madang_test_kit::on_both!(
    whoever_has_the_code_joins,
    a_link_is_used_so_often_and_no_more,
    users_at_once_do_not_use_a_link_too_often,
    a_link_expires_and_is_revoked,
    the_code_is_not_in_the_database,
    a_room_has_so_many_links,
    a_link_lets_no_banned_user_in,
    what_is_no_link_is_refused,
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn make(
    service: &Service,
    room: RoomId,
    actor: &Arc<Profile>,
    expires_at: Option<Timestamp>,
    uses: Option<u32>,
) -> Result<MadeInvitation> {
    let (actor, room) = (Arc::clone(actor), room.into());
    service
        .make_invitation(MakeInvitation { authority: Authority::User, actor, room, expires_at, uses })
        .await
}

async fn accept(service: &Service, actor: &Arc<Profile>, code: &str) -> Result<Changed<RoomView>> {
    service.accept_invitation(AcceptInvitation { actor: Arc::clone(actor), code: code.to_owned() }).await
}

async fn revoke(service: &Service, room: RoomId, actor: &Profile, invitation: &str) -> Result<()> {
    let (actor, room, invitation) = (actor.id, room.into(), invitation.to_owned());
    service.revoke_invitation(RevokeInvitation { authority: Authority::User, actor, room, invitation }).await
}

async fn links(service: &Service, room: RoomId, user: &Profile) -> Result<Vec<Invitation>> {
    service.list_invitations(ListInvitations { user: user.id, room: room.into() }).await
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

async fn whoever_has_the_code_joins(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    let made = make(&service, room, &mina, None, None).await.unwrap();
    let days = u32::try_from(INVITATION_DEFAULT_DAYS).unwrap();
    assert_eq!(made.invitation.expires_at, fixture.clock.now().plus(DAY * days));
    assert_eq!((made.code.len(), made.invitation.by.id), (40, mina.id));
    let joined = accept(&service, &jun, &made.code).await.unwrap();
    assert_eq!(joined.value.membership.unwrap().role, Role::Member);
    assert!(matches!(joined.events[..], [ref event] if matches!(event.body, EventBody::Joined(_))));
    assert_eq!(joined.events[0].actor.id, jun.id);
    assert_logged(&service, room, &joined).await;
    // Once more: no event, and no use.
    assert!(accept(&service, &jun, &made.code).await.unwrap().events.is_empty());
    let listed = links(&service, room, &mina).await.unwrap();
    assert_eq!(listed, [Invitation { used: 1, ..made.invitation }]);
    assert_eq!(code(links(&service, room, &jun).await), Some(Code::PermissionDenied));
    let another = make(&service, room, &mina, None, None).await.unwrap();
    assert_ne!(another.code, made.code);
}

async fn a_link_is_used_so_often_and_no_more(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let made = make(&service, room, &mina, None, Some(2)).await.unwrap();
    for number in [2, 3] {
        accept(&service, &user(number), &made.code).await.unwrap();
    }
    assert_eq!(code(accept(&service, &user(4), &made.code).await), Some(Code::NotFound));
    assert_eq!(links(&service, room, &mina).await.unwrap(), []);
    assert_eq!(service.view(room, &mina).await.room.member_count, 3);
}

async fn users_at_once_do_not_use_a_link_too_often(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let made = make(&service, room, &mina, None, Some(3)).await.unwrap();
    let users: Vec<Arc<Profile>> = (10..20).map(user).collect();
    let outcomes =
        futures_util::future::join_all(users.iter().map(|user| accept(&service, user, &made.code))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(service.view(room, &mina).await.room.member_count, 4);
}

async fn a_link_expires_and_is_revoked(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    let soon = fixture.clock.now().plus(Duration::from_secs(60));
    let made = make(&service, room, &mina, Some(soon), None).await.unwrap();
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(code(accept(&service, &jun, &made.code).await), Some(Code::NotFound));
    assert_eq!(links(&service, room, &mina).await.unwrap(), []);

    // By its id, as lists show it, and by its code.
    let by_id = make(&service, room, &mina, None, None).await.unwrap();
    let by_code = make(&service, room, &mina, None, None).await.unwrap();
    let elsewhere = service.given_room(&[&mina]).await;
    assert_eq!(code(revoke(&service, elsewhere, &mina, &by_id.invitation.id).await), Some(Code::NotFound));
    revoke(&service, room, &mina, &by_id.invitation.id).await.unwrap();
    revoke(&service, room, &mina, &by_code.code).await.unwrap();
    for made in [&by_id, &by_code] {
        assert_eq!(code(accept(&service, &jun, &made.code).await), Some(Code::NotFound));
        assert_eq!(code(revoke(&service, room, &mina, &made.invitation.id).await), Some(Code::NotFound));
    }
    // Nobody joins by an id, and a link goes with its room.
    let made = make(&service, room, &mina, None, None).await.unwrap();
    assert_eq!(code(accept(&service, &jun, &made.invitation.id).await), Some(Code::NotFound));
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: room.into(),
        })
        .await
        .unwrap();
    assert_eq!(code(accept(&service, &jun, &made.code).await), Some(Code::NotFound));
    assert_eq!(fixture.count("SELECT count(*) FROM invitation_links").await, 0);
}

async fn the_code_is_not_in_the_database(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let made = make(&service, room, &mina, None, None).await.unwrap();
    let dump = fixture.dump().await;
    assert!(dump.contains("invitation_links"), "the link is");
    assert!(!dump.to_lowercase().contains(&made.code), "{dump}");
}

async fn a_room_has_so_many_links(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let soon = Some(fixture.clock.now().plus(Duration::from_secs(60)));
    for _ in 0..ROOM_INVITATIONS_MAX {
        make(&service, room, &mina, soon, None).await.unwrap();
    }
    assert_eq!(code(make(&service, room, &mina, None, None).await), Some(Code::FailedPrecondition));
    assert_eq!(links(&service, room, &mina).await.unwrap().len() as u64, ROOM_INVITATIONS_MAX);
    // Those that are over do not count.
    fixture.clock.advance(Duration::from_secs(60));
    make(&service, room, &mina, None, None).await.unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM invitation_links").await, 1);
}

async fn a_link_lets_no_banned_user_in(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    let made = make(&service, room, &mina, None, Some(1)).await.unwrap();
    ban(&service, room, &mina, &jun, Some(Terms { until: None, reason: None })).await.unwrap();
    assert_eq!(code(accept(&service, &jun, &made.code).await), Some(Code::PermissionDenied));
    assert_eq!(links(&service, room, &mina).await.unwrap()[0].used, 0);
    ban(&service, room, &mina, &jun, None).await.unwrap();
    accept(&service, &jun, &made.code).await.unwrap();
}

async fn what_is_no_link_is_refused(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let now = fixture.clock.now();
    let too_late = now.plus(DAY * u32::try_from(INVITATION_MAX_DAYS + 1).unwrap());
    for (expires_at, uses, field) in [
        (Some(now), None, "/expires_at"),
        (Some(too_late), None, "/expires_at"),
        (None, Some(0), "/uses"),
        (None, Some(INVITATION_USES_MAX + 1), "/uses"),
    ] {
        let refused = make(&service, room, &mina, expires_at, uses).await.unwrap_err();
        assert_eq!((refused.code, &*refused.fields[0].pointer), (Code::InvalidArgument, field));
    }
    assert_eq!(code(make(&service, room, &jun, None, None).await), Some(Code::PermissionDenied));
    assert_eq!(code(accept(&service, &jun, "0000").await), Some(Code::NotFound));
    let direct = service.make(&mina, room_of(RoomKind::Direct, "Direct", &[&jun])).await.unwrap();
    let refused = make(&service, direct.value.room.id, &mina, None, None).await;
    assert_eq!(code(refused), Some(Code::FailedPrecondition));
}
