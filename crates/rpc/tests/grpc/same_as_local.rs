//! A service behind gRPC cannot be told from one in the same process: each method passes the same
//! arguments on, and gives the same answer, or the same error.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    AvatarUrl, Code, Cursor, DisplayName, Epoch, Error, ExternalId, IdempotencyKey, RoomName, RoomRef, Seq,
    Slug, Timestamp, TopicId, UserRef, Username,
};
use madang_rpc::{
    Auth, MessageStore,
    auth::{ClientInfo, ExternalUser, Password},
    event::{Attachment, Role},
    grpc::{AuthClient, MessageStoreClient, MessageStoreSettings},
    store::{Append, Authority, HistoryFrom, HistoryQuery, NewRoom, Open, OpenInbox, PageQuery, RoomKind},
};

use crate::{
    scripted::{Scripted, append, message, profile, room_id, session_id, user_id},
    served::Served,
};

/// What an error tells a caller.
fn told(error: Error) -> (Code, String, Option<Duration>) {
    (error.code, error.message.into_owned(), error.retry_after)
}

macro_rules! same {
    ($near:expr, $far:expr, $method:ident($($argument:expr),*)) => {{
        let near = $near.$method($($argument),*).await.map_err(told);
        let near_calls = $near.calls();
        let far = $far.$method($($argument),*).await.map_err(told);
        assert_eq!($near.calls(), near_calls, "the arguments of {}", stringify!($method));
        assert_eq!(far, near, "the answer of {}", stringify!($method));
    }};
}

async fn auth_is_the_same(near: &Scripted, far: &AuthClient) {
    let username = || Username::new("미나").unwrap();
    let password = || Password::new("correct horse".into());
    let name = || DisplayName::new("Mina").unwrap();
    let client = || ClientInfo { ip: Some("192.0.2.1".parse().unwrap()), user_agent: Some("curl".into()) };
    let url = || AvatarUrl::new("https://example.org/b.png").unwrap();
    let (user, session) = (user_id(1), session_id(2));

    same!(near, far, register(username(), password(), Some(name()), client()));
    same!(near, far, register(username(), password(), None, ClientInfo::default()));
    same!(near, far, login(username(), password(), client()));
    same!(near, far, refresh("token", client()));
    same!(near, far, logout("token"));
    same!(near, far, issue_ticket(user, session));
    same!(near, far, redeem_ticket("ticket"));
    same!(near, far, sessions(user));
    same!(near, far, revoke_session(user, session));
    same!(near, far, revocations(None));
    same!(near, far, revocations(Some(-1)));
    same!(near, far, keys());
    same!(near, far, users(&[user, user_id(2)]));
    same!(near, far, users(&[]));
    same!(near, far, update_profile(user, Some(name()), Some(Some(url()))));
    same!(near, far, update_profile(user, None, Some(None)));
    same!(near, far, update_profile(user, None, None));
    site_users_are_the_same(near, far).await;
}

async fn site_users_are_the_same(near: &Scripted, far: &AuthClient) {
    let external_id = || ExternalId::new("사용자/7").unwrap();
    let silent = || ExternalUser {
        external_id: external_id(),
        username: None,
        name: None,
        avatar_url: None,
        as_of: None,
    };
    let told = |avatar_url| ExternalUser {
        username: Some(Username::new("mina").unwrap()),
        name: Some(DisplayName::new("Mina").unwrap()),
        avatar_url: Some(avatar_url),
        as_of: Some(Timestamp::from_micros(-3)),
        ..silent()
    };
    same!(near, far, external_user(silent()));
    same!(near, far, external_user(told(None)));
    same!(near, far, external_user(told(Some(AvatarUrl::new("https://example.org/b.png").unwrap()))));
    same!(near, far, find_users(&[user_id(1).into(), UserRef::External(external_id())]));
    same!(near, far, find_users(&[]));
    same!(near, far, disconnect(user_id(1)));
    same!(near, far, issue_user_ticket(user_id(1), None));
    same!(near, far, issue_user_ticket(user_id(1), Some(Timestamp::from_micros(9))));
    same!(near, far, verify_api_key("mk_00_secret"));
}

async fn rooms_are_the_same(near: &Scripted, far: &MessageStoreClient) {
    let actor = || profile(1);
    let id = || RoomRef::Id(room_id(7));
    let slug = || RoomRef::Slug(Slug::new("madang").unwrap());
    let name = || RoomName::new("마당").unwrap();
    let new_room = |kind, key: Option<&str>| NewRoom {
        kind,
        name: name(),
        slug: key.map(|key| Slug::new(key).unwrap()),
        external_id: key.map(|key| ExternalId::new(key).unwrap()),
        members: vec![profile(2), profile(3)],
        key: key.map(|key| IdempotencyKey::new(key).unwrap()),
    };
    let page = |cursor: Option<&str>| PageQuery { limit: 200, cursor: cursor.map(str::to_owned) };

    same!(near, far, create_room(actor(), new_room(RoomKind::Public, Some("key"))));
    same!(near, far, create_room(actor(), new_room(RoomKind::Private, None)));
    same!(near, far, create_room(actor(), new_room(RoomKind::Direct, None)));
    same!(near, far, room(user_id(1), id()));
    same!(near, far, room(user_id(1), slug()));
    same!(near, far, rooms(user_id(1), true, page(Some("next"))));
    same!(near, far, rooms(user_id(1), false, page(None)));
    same!(near, far, update_room(actor(), id(), Some(name()), Some(Some(Slug::new("new").unwrap()))));
    same!(near, far, update_room(actor(), slug(), None, Some(None)));
    same!(near, far, update_room(actor(), slug(), None, None));
    same!(near, far, delete_room(actor(), id()));
    same!(near, far, join(actor(), slug()));
    same!(near, far, leave(actor(), id()));
    same!(near, far, members(user_id(1), id(), page(Some("next"))));
    for authority in [Authority::User, Authority::Site] {
        same!(near, far, put_member(actor(), authority, id(), profile(5), Role::Moderator));
        same!(near, far, remove_member(actor(), authority, id(), user_id(5)));
    }
    same!(near, far, room(user_id(1), RoomRef::External(ExternalId::new("room 7").unwrap())));
}

async fn inboxes_are_the_same(near: &Scripted, far: &MessageStoreClient) {
    let user = user_id(1);
    let data = || Box::<str>::from(r#"{"종류":"알림"}"#);
    let open = |since| OpenInbox { user, since, replay_limit: 3 };
    let since = |epoch| Some(Cursor { seq: Seq::START, epoch });

    same!(near, far, notify(profile(1), data(), None));
    same!(near, far, notify(profile(1), data(), Some(IdempotencyKey::new("k").unwrap())));
    same!(near, far, open_inbox(open(None)));
    same!(near, far, open_inbox(open(since(None))));
    same!(near, far, open_inbox(open(since(Some(Epoch::new(0))))));
    for from in [HistoryFrom::End, HistoryFrom::Before(Seq::new(1)), HistoryFrom::After(Seq::START)] {
        same!(near, far, inbox(user, from, 200));
    }
    same!(near, far, mark_inbox_read(user, Seq::new(u64::MAX)));
}

async fn logs_are_the_same(near: &Scripted, far: &MessageStoreClient) {
    let (id, user) = (|| RoomRef::Id(room_id(7)), user_id(1));
    let open = |since| Open { user, room: room_id(7), since, replay_limit: 3 };
    let since = |epoch| Some(Cursor { seq: Seq::START, epoch });
    let query = |from| HistoryQuery { from, limit: 200, messages_only: true };
    let attachment = Attachment {
        url: AvatarUrl::new("https://example.org/b.png").unwrap(),
        name: DisplayName::new("b.png").unwrap(),
        content_type: DisplayName::new("image/png").unwrap(),
        size_bytes: u64::MAX,
    };
    let mut with_file = message("2");
    with_file.attachments.push(attachment);
    with_file.reply_to = None;
    let with_file = || Append { message: with_file.clone(), ..append(7, "") };

    same!(near, far, append(append(7, "1")));
    same!(near, far, append(with_file()));
    same!(near, far, append(append(7, "not a number")));
    same!(near, far, open(open(None)));
    same!(near, far, open(open(since(None))));
    same!(near, far, open(open(since(Some(Epoch::new(0))))));
    same!(near, far, resolve(user, &[id(), RoomRef::Slug(Slug::new("madang").unwrap())], true));
    same!(near, far, resolve(user, &[], false));
    same!(near, far, read(TopicId::Inbox(user), Seq::new(9), 500));
    same!(near, far, read(room_id(7).into(), Seq::START, 500));
    same!(near, far, heads(&[room_id(7).into(), TopicId::Inbox(user)]));
    for from in [HistoryFrom::End, HistoryFrom::Before(Seq::new(1)), HistoryFrom::After(Seq::START)] {
        same!(near, far, history(user, id(), query(from)));
    }
    same!(near, far, mark_read(user, id(), Seq::new(u64::MAX)));
}

#[tokio::test]
async fn the_auth_service() {
    let near = Arc::new(Scripted::default());
    let served = Served::new(&near);
    let far = AuthClient::new(served.channel());
    auth_is_the_same(&near, &far).await;
    for code in Code::ALL {
        near.refuse(Some(Error::new(code, "안 됩니다").retry_after(Duration::from_millis(1_234))));
        auth_is_the_same(&near, &far).await;
    }
}

#[tokio::test]
async fn the_message_store() {
    let near = Arc::new(Scripted::default());
    let served = Served::new(&near);
    let far = MessageStoreClient::new(served.channel(), MessageStoreSettings::default());
    rooms_are_the_same(&near, &far).await;
    logs_are_the_same(&near, &far).await;
    inboxes_are_the_same(&near, &far).await;
    for code in Code::ALL {
        near.refuse(Some(Error::new(code, "안 됩니다").retry_after(Duration::from_millis(1_234))));
        rooms_are_the_same(&near, &far).await;
        logs_are_the_same(&near, &far).await;
        inboxes_are_the_same(&near, &far).await;
    }
}

#[tokio::test]
async fn the_cause_of_an_error_stays_in_its_process() {
    let near = Arc::new(Scripted::default());
    let served = Served::new(&near);
    near.refuse(Some(Error::new(Code::Internal, "a defect")));
    let error = AuthClient::new(served.channel()).keys().await.unwrap_err();
    assert!(error.source.is_none(), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
}
