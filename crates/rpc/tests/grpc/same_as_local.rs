//! A service behind gRPC cannot be told from one in the same process: each method passes the same
//! arguments on, and gives the same answer, or the same error.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    AddedBy, Attachment, AttachmentUrl, AvatarUrl, Code, Cursor, DisplayName, Emoji, Epoch, Error,
    ExternalId, FileName, IdempotencyKey, MediaType, NotificationLevel, Reason, Receipts, Restriction, Role,
    RoomDetailChanges, RoomFlagChanges, RoomHistory, RoomName, RoomRef, SearchText, Seq, Slug, StatusText,
    Timestamp, TopicId, UserRef, Username,
};
use madang_rpc::{
    Auth, AuthClient, MessageStore, MessageStoreClient, MessageStoreSettings,
    auth::{
        ClientInfo, Disconnect, ExternalUser, FindUsers, GetKeys, GetUsers, IssueTicket, IssueUserTicket,
        ListRevocations, ListSessions, Login, Logout, Password, RecognizeUser, RedeemTicket, Refresh,
        Register, RevokeSession, Token, UpdateProfile, VerifyApiKey,
    },
    store::{
        AbandonUpload, AcceptInvitation, Append, AppendInThread, Authority, BeginUpload, Block, CreateRoom,
        DeleteMessage, DeleteRoom, DeliveredMark, Dismiss, EditMessage, FinishUpload, FollowThread,
        ForgetFiles, GetFile, GetHides, GetPeople, GetReads, GetRoom, GetSync, GetUserSettings, Heads,
        History, HistoryFrom, HistoryQuery, Inbox, Join, Leave, ListBans, ListBlocked, ListInvitations,
        ListMembers, ListPins, ListRemovedFiles, ListRevisions, ListRooms, ListThreadMessages, ListThreads,
        MakeInvitation, MarkDelivered, MarkInboxRead, MarkRead, MarkThreadRead, NewRoom, NoteSeen, Notify,
        Open, OpenInbox, PageQuery, PutMember, PutRoomSettings, PutStatus, PutUserSettings, React, Read,
        RememberProfile, RemoveMember, Resolve, Restrict, RevokeInvitation, RoomKind, Search, Seen, SetPin,
        Status, TellFollowers, TellMembers, Unblock, UpdateRoom,
    },
};

use crate::{
    scripted::{Scripted, append, file, file_id, in_thread, message, profile, room_id, session_id, user_id},
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

mod ends;

async fn threads_are_the_same(near: &Scripted, far: &impl MessageStore) {
    let (user, thread) = (user_id(1), Seq::new(2));
    let room = || RoomRef::Id(room_id(7));
    for text in ["1", "마당"] {
        let append = || AppendInThread(Append { message: in_thread(text), ..append(7, text) });
        same!(near, far, append_in_thread(append()));
    }
    for message in [Seq::new(3), Seq::new(4)] {
        same!(near, far, tell_followers(TellFollowers { room: room_id(7), message }));
        same!(near, far, tell_members(TellMembers { room: room_id(7), message }));
    }
    for from in [HistoryFrom::End, HistoryFrom::Before(Seq::new(9)), HistoryFrom::After(Seq::START)] {
        let list = || ListThreadMessages { user, room: room(), thread, from, limit: 3 };
        same!(near, far, list_thread_messages(list()));
    }
    same!(near, far, mark_thread_read(MarkThreadRead { user, room: room(), thread, seq: Seq::new(5) }));
    for on in [true, false] {
        same!(near, far, follow_thread(FollowThread { actor: profile(1), room: room(), thread, on }));
    }
    for cursor in [None, Some("next".to_owned())] {
        let page = PageQuery { limit: 3, cursor };
        same!(near, far, list_threads(ListThreads { user, page: page.clone() }));
    }
}

pub(crate) async fn auth_is_the_same(near: &Scripted, far: &impl Auth) {
    let username = || Username::new("미나").unwrap();
    let password = || Password::new("correct horse".into());
    let name = || DisplayName::new("Mina").unwrap();
    let client = || ClientInfo { ip: Some("192.0.2.1".parse().unwrap()), user_agent: Some("curl".into()) };
    let url = || AvatarUrl::new("https://example.org/b.png").unwrap();
    let (user, session) = (user_id(1), session_id(2));

    same!(
        near,
        far,
        register(Register {
            username: username(),
            password: password(),
            name: Some(name()),
            client: client()
        })
    );
    same!(
        near,
        far,
        register(Register {
            username: username(),
            password: password(),
            name: None,
            client: ClientInfo::default()
        })
    );
    same!(near, far, login(Login { username: username(), password: password(), client: client() }));
    same!(near, far, refresh(Refresh { refresh_token: Token::new("token"), client: client() }));
    same!(near, far, logout(Logout { refresh_token: Token::new("token"), client: ClientInfo::default() }));
    same!(near, far, issue_ticket(IssueTicket { user, session, issued_at: None }));
    same!(near, far, redeem_ticket(RedeemTicket { ticket: Token::new("ticket"), client: client() }));
    same!(near, far, list_sessions(ListSessions { user, presented: None }));
    same!(near, far, revoke_session(RevokeSession { user, session, presented: None }));
    same!(near, far, list_revocations(ListRevocations { cursor: None }));
    same!(near, far, list_revocations(ListRevocations { cursor: Some(-1) }));
    same!(near, far, get_keys(GetKeys));
    same!(near, far, get_users(GetUsers { ids: vec![user, user_id(2)] }));
    same!(near, far, get_users(GetUsers { ids: Vec::new() }));
    same!(
        near,
        far,
        update_profile(UpdateProfile {
            user,
            name: Some(name()),
            avatar_url: Some(Some(url())),
            presented: None
        })
    );
    same!(
        near,
        far,
        update_profile(UpdateProfile { user, name: None, avatar_url: Some(None), presented: None })
    );
    same!(near, far, update_profile(UpdateProfile { user, name: None, avatar_url: None, presented: None }));
    site_users_are_the_same(near, far).await;
    ends::accounts_are_the_same(near, far).await;
}

async fn site_users_are_the_same(near: &Scripted, far: &impl Auth) {
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
    same!(near, far, recognize_user(RecognizeUser { user: silent(), by_backend: false }));
    same!(near, far, recognize_user(RecognizeUser { user: told(None), by_backend: false }));
    same!(
        near,
        far,
        recognize_user(RecognizeUser {
            user: told(Some(AvatarUrl::new("https://example.org/b.png").unwrap())),
            by_backend: true,
        })
    );
    same!(
        near,
        far,
        find_users(FindUsers { users: vec![user_id(1).into(), UserRef::External(external_id())] })
    );
    same!(near, far, find_users(FindUsers { users: Vec::new() }));
    same!(near, far, disconnect(Disconnect { user: user_id(1) }));
    same!(near, far, issue_user_ticket(IssueUserTicket { user: user_id(1), until: None }));
    same!(
        near,
        far,
        issue_user_ticket(IssueUserTicket { user: user_id(1), until: Some(Timestamp::from_micros(9)) })
    );
    same!(near, far, verify_api_key(VerifyApiKey { key: Token::new("mk_00_secret") }));
}

pub(crate) async fn store_is_the_same(near: &Scripted, far: &impl MessageStore) {
    rooms_are_the_same(near, far).await;
    logs_are_the_same(near, far).await;
    files_are_the_same(near, far).await;
    inboxes_are_the_same(near, far).await;
    ends::ends_are_the_same(near, far).await;
    ends::reports_are_the_same(near, far).await;
}

async fn rooms_are_the_same(near: &Scripted, far: &impl MessageStore) {
    let actor = || profile(1);
    let id = || RoomRef::Id(room_id(7));
    let slug = || RoomRef::Slug(Slug::new("madang").unwrap());
    let name = || RoomName::new("마당").unwrap();
    let new_room = |kind, key: Option<&str>| NewRoom {
        kind,
        name: name(),
        unnamed: false,
        slug: key.map(|key| Slug::new(key).unwrap()),
        external_id: key.map(|key| ExternalId::new(key).unwrap()),
        members: vec![profile(2), profile(3)],
        key: key.map(|key| IdempotencyKey::new(key).unwrap()),
    };
    let page = |cursor: Option<&str>| PageQuery { limit: 200, cursor: cursor.map(str::to_owned) };

    same!(
        near,
        far,
        create_room(CreateRoom {
            actor: actor(),
            authority: Authority::User,
            room: new_room(RoomKind::Public, Some("key"))
        })
    );
    same!(
        near,
        far,
        create_room(CreateRoom {
            actor: actor(),
            authority: Authority::Site,
            room: new_room(RoomKind::Private, None)
        })
    );
    same!(
        near,
        far,
        create_room(CreateRoom {
            actor: actor(),
            authority: Authority::User,
            room: new_room(RoomKind::Direct, None)
        })
    );
    same!(near, far, get_room(GetRoom { user: Some(user_id(1)), room: id() }));
    same!(near, far, get_room(GetRoom { user: Some(user_id(1)), room: slug() }));
    same!(near, far, get_room(GetRoom { user: None, room: id() }));
    same!(
        near,
        far,
        list_rooms(ListRooms {
            user: Some(user_id(1)),
            joinable: true,
            text: Some(SearchText::new("마당").unwrap()),
            page: page(Some("next"))
        })
    );
    same!(
        near,
        far,
        list_rooms(ListRooms { user: Some(user_id(1)), joinable: false, text: None, page: page(None) })
    );
    same!(
        near,
        far,
        update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(actor()),
            room: id(),
            name: Some(name()),
            slug: Some(Some(Slug::new("new").unwrap())),
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default()
        })
    );
    same!(
        near,
        far,
        update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(actor()),
            room: slug(),
            name: None,
            slug: Some(None),
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default()
        })
    );
    same!(
        near,
        far,
        update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(actor()),
            room: slug(),
            name: None,
            slug: None,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default()
        })
    );
    same!(
        near,
        far,
        delete_room(DeleteRoom { authority: Authority::User, actor: Some(actor()), room: id() })
    );
    same!(near, far, join(Join { actor: actor(), room: slug() }));
    same!(near, far, leave(Leave { actor: actor(), room: id() }));
    same!(
        near,
        far,
        list_members(ListMembers { user: Some(user_id(1)), room: id(), page: page(Some("next")) })
    );
    for on in [true, false] {
        same!(near, far, set_pin(SetPin { actor: actor(), room: slug(), message: Seq::new(3), on }));
    }
    for by in [None, Some(actor())] {
        let (room, message) = (room_id(7), Seq::new(3));
        let edit = || EditMessage {
            authority: Authority::User,
            actor: by.clone(),
            room,
            message,
            text: "마당".to_owned(),
        };
        same!(near, far, edit_message(edit()));
        same!(
            near,
            far,
            delete_message(DeleteMessage { authority: Authority::User, actor: by.clone(), room, message })
        );
    }
    let revisions =
        || ListRevisions { user: user_id(1), room: id(), message: Seq::new(3), page: page(Some("next")) };
    same!(near, far, list_revisions(revisions()));
    for on in [true, false] {
        let emoji = Emoji::new("👍").unwrap();
        same!(
            near,
            far,
            react(React { actor: actor(), room: slug(), message: Seq::new(3), emoji: emoji.clone(), on })
        );
    }
    threads_are_the_same(near, far).await;
    same!(near, far, list_pins(ListPins { user: user_id(1), room: id(), page: page(Some("next")) }));
    for (room, from, at) in
        [(None, None, None), (Some(id()), Some(user_id(2)), Some(Timestamp::from_micros(7)))]
    {
        let text = SearchText::new("서울 rust").unwrap();
        let search =
            Search { user: user_id(1), text, room, from, before: at, after: at, page: page(Some("next")) };
        same!(near, far, search(search.clone()));
    }
    for authority in Authority::ALL {
        same!(
            near,
            far,
            put_member(PutMember {
                actor: actor(),
                authority,
                room: id(),
                user: profile(5),
                role: Role::Moderator
            })
        );
        same!(
            near,
            far,
            remove_member(RemoveMember { actor: actor(), authority, room: id(), user: user_id(5) })
        );
    }
    moderation_is_the_same(near, far).await;
    same!(
        near,
        far,
        get_room(GetRoom {
            user: Some(user_id(1)),
            room: RoomRef::External(ExternalId::new("room 7").unwrap())
        })
    );
}

async fn moderation_is_the_same(near: &Scripted, far: &impl MessageStore) {
    let actor = || profile(1);
    let id = || RoomRef::Id(room_id(7));
    let flags = RoomFlagChanges {
        announcement: Some(true),
        archived: Some(false),
        slow_mode_s: Some(5),
        history: Some(RoomHistory::Joined),
        receipts: Some(Receipts::None),
        guests_send: Some(true),
        members_add: Some(true),
        members_pin: Some(true),
        members_mention_all: Some(true),
        edit_window_s: Some(9),
    };
    same!(
        near,
        far,
        update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(actor()),
            room: id(),
            name: None,
            slug: None,
            flags,
            details: RoomDetailChanges::default()
        })
    );
    for kind in Restriction::ALL {
        for (authority, on, until, reason) in [
            (Authority::User, true, Some(Timestamp::from_micros(9_000)), Some("스팸")),
            (Authority::Site, false, None, None),
        ] {
            let reason = reason.map(|reason| Reason::new(reason).unwrap());
            let (room, user) = (id(), profile(5));
            same!(
                near,
                far,
                restrict(Restrict {
                    actor: actor(),
                    authority,
                    room: room.clone(),
                    user: user.clone(),
                    kind,
                    on,
                    until,
                    reason: reason.clone()
                })
            );
        }
    }
    let page = || PageQuery { limit: 3, cursor: Some("next".to_owned()) };
    same!(near, far, list_bans(ListBans { user: user_id(1), room: id(), page: page() }));
    for (expires_at, uses) in [(None, None), (Some(Timestamp::from_micros(9)), Some(3))] {
        same!(
            near,
            far,
            make_invitation(MakeInvitation {
                authority: Authority::User,
                actor: actor(),
                room: id(),
                expires_at,
                uses
            })
        );
    }
    same!(near, far, list_invitations(ListInvitations { user: user_id(1), room: id() }));
    let invitation = || "7".to_owned();
    same!(
        near,
        far,
        revoke_invitation(RevokeInvitation {
            authority: Authority::User,
            actor: user_id(1),
            room: id(),
            invitation: invitation()
        })
    );
    same!(near, far, accept_invitation(AcceptInvitation { actor: actor(), code: invitation() }));
}

async fn files_are_the_same(near: &Scripted, far: &impl MessageStore) {
    let (user, id) = (user_id(1), file_id(7));
    let file = file();
    let begin = BeginUpload {
        file: id,
        actor: profile(1),
        room: RoomRef::Slug(Slug::new("madang").unwrap()),
        name: file.name.clone(),
        size_bytes: u64::MAX,
    };
    same!(near, far, begin_upload(begin.clone()));
    for image in [None, file.image.clone()] {
        same!(
            near,
            far,
            finish_upload(FinishUpload {
                user,
                file: id,
                content_type: file.content_type.clone(),
                size_bytes: 3,
                image: image.clone()
            })
        );
    }
    same!(near, far, abandon_upload(AbandonUpload { user, file: id }));
    same!(near, far, get_file(GetFile { user, file: id }));
    for after in [None, Some(file_id(3))] {
        same!(near, far, list_removed_files(ListRemovedFiles { limit: 9, after }));
    }
    same!(near, far, forget_files(ForgetFiles { files: vec![id, file_id(8)] }));
}

async fn inboxes_are_the_same(near: &Scripted, far: &impl MessageStore) {
    let user = user_id(1);
    let data = || Box::<str>::from(r#"{"종류":"알림"}"#);
    let open = |since| OpenInbox { user, since, replay_limit: 3 };
    let since = |epoch| Some(Cursor { seq: Seq::START, epoch });

    same!(near, far, notify(Notify { user: profile(1), data: data(), key: None }));
    same!(
        near,
        far,
        notify(Notify { user: profile(1), data: data(), key: Some(IdempotencyKey::new("k").unwrap()) })
    );
    same!(near, far, open_inbox(open(None)));
    same!(near, far, open_inbox(open(since(None))));
    same!(near, far, open_inbox(open(since(Some(Epoch::new(0))))));
    for from in [HistoryFrom::End, HistoryFrom::Before(Seq::new(1)), HistoryFrom::After(Seq::START)] {
        same!(near, far, inbox(Inbox { user, from, limit: 200 }));
    }
    same!(near, far, mark_inbox_read(MarkInboxRead { user, seq: Seq::new(u64::MAX) }));
    same!(near, far, remember_profile(RememberProfile { user: profile(1) }));
}

async fn logs_are_the_same(near: &Scripted, far: &impl MessageStore) {
    let (id, user) = (|| RoomRef::Id(room_id(7)), user_id(1));
    let open = |since| Open { user, room: room_id(7), since, replay_limit: 3 };
    let since = |epoch| Some(Cursor { seq: Seq::START, epoch });
    let query = |from| HistoryQuery { from, limit: 200, messages_only: true };
    let attachment = Attachment {
        url: AttachmentUrl::new("https://example.org/b.png").unwrap(),
        name: FileName::new("b.png").unwrap(),
        content_type: MediaType::new("image/png").unwrap(),
        size_bytes: u64::MAX,
        file: None,
        image: None,
    };
    let mut with_file = message("2");
    with_file.attachments.push(attachment);
    with_file.reply_to = None;
    with_file.attachments.push(file());
    let with_file = || Append { message: with_file.clone(), ..append(7, "") };

    same!(near, far, append(append(7, "1")));
    same!(near, far, append(with_file()));
    same!(near, far, append(append(7, "not a number")));
    same!(near, far, append(Append { authority: Authority::Site, ..append(7, "3") }));
    same!(near, far, open(open(None)));
    same!(near, far, open(open(since(None))));
    same!(near, far, open(open(since(Some(Epoch::new(0))))));
    same!(
        near,
        far,
        resolve(Resolve {
            user,
            rooms: vec![id(), RoomRef::Slug(Slug::new("madang").unwrap())],
            memberships: true
        })
    );
    same!(near, far, resolve(Resolve { user, rooms: Vec::new(), memberships: false }));
    same!(near, far, read(Read { topic: TopicId::Inbox(user), after: Seq::new(9), limit: 500 }));
    same!(near, far, read(Read { topic: room_id(7).into(), after: Seq::START, limit: 500 }));
    same!(near, far, heads(Heads { topics: vec![room_id(7).into(), TopicId::Inbox(user)] }));
    for from in [HistoryFrom::End, HistoryFrom::Before(Seq::new(1)), HistoryFrom::After(Seq::START)] {
        same!(near, far, history(History { user: Some(user), room: id(), query: query(from) }));
    }
    same!(near, far, mark_read(MarkRead { user, room: id(), seq: Seq::new(u64::MAX) }));
    let delivered = || DeliveredMark { room: room_id(7), user, seq: Seq::new(u64::MAX) };
    for marks in [Vec::new(), vec![delivered(), delivered()]] {
        same!(near, far, mark_delivered(MarkDelivered { marks: marks.clone() }));
    }
    for user in [None, Some(user)] {
        same!(near, far, get_reads(GetReads { user, room: id() }));
    }
    same!(near, far, get_user_settings(GetUserSettings { user }));
    for until in [None, Some(Timestamp::from_micros(9))] {
        let status = || until.map(|_| Status { text: StatusText::new("점심").unwrap(), until });
        same!(near, far, put_status(PutStatus { user: profile(1), status: status() }));
    }
    same!(near, far, get_people(GetPeople { viewer: user, users: vec![user_id(5), user_id(6)] }));
    let seen = || Seen { user, at: Timestamp::from_micros(9) };
    same!(near, far, note_seen(NoteSeen { seen: vec![seen(), seen()] }));
    same!(near, far, get_hides(GetHides { users: vec![user_id(5), user_id(6)] }));
    same!(near, far, block(Block { actor: profile(1), user: profile(5) }));
    same!(near, far, unblock(Unblock { actor: user, user: user_id(5) }));
    for cursor in [None, Some("b.7".to_owned())] {
        same!(near, far, get_sync(GetSync { user, page: PageQuery { limit: 3, cursor: cursor.clone() } }));
        same!(
            near,
            far,
            list_blocked(ListBlocked { user, page: PageQuery { limit: 3, cursor: cursor.clone() } })
        );
    }
    for added_by in [None, Some(AddedBy::Anyone), Some(AddedBy::Shared), Some(AddedBy::Nobody)] {
        let until =
            added_by.map(|_| (added_by == Some(AddedBy::Shared)).then_some(Timestamp::from_micros(9)));
        let hides = added_by.map(|added_by| added_by == AddedBy::Nobody);
        let put = || PutUserSettings {
            user,
            added_by,
            do_not_disturb_until: until,
            hides_presence: hides,
            hides_last_seen: hides.map(|hides| !hides),
            hides_typing: None,
        };
        same!(near, far, put_user_settings(put()));
        let notify = added_by.map(|_| NotificationLevel::None);
        same!(near, far, put_room_settings(PutRoomSettings { user, room: id(), notify, muted_until: until }));
    }
    same!(near, far, dismiss(Dismiss { user, seq: Seq::new(3) }));
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
    store_is_the_same(&near, &far).await;
    for code in Code::ALL {
        near.refuse(Some(Error::new(code, "안 됩니다").retry_after(Duration::from_millis(1_234))));
        store_is_the_same(&near, &far).await;
    }
}

#[tokio::test]
async fn the_cause_of_an_error_stays_in_its_process() {
    let near = Arc::new(Scripted::default());
    let served = Served::new(&near);
    near.refuse(Some(Error::new(Code::Internal, "a defect")));
    let error = AuthClient::new(served.channel()).get_keys(GetKeys).await.unwrap_err();
    assert!(error.source.is_none(), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
}
