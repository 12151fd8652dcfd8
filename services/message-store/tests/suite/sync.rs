//! What a client needs to start: consistent with the subscriptions that go on from it.

use std::{collections::BTreeMap, sync::Arc};

use madang_domain::{Code, NotificationLevel, Profile, RoomId, Seq};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, DeleteMessage, GetSync, MarkRead, Notify, OpenInbox, PageQuery, PutRoomSettings,
        Synced, SyncedRoom,
    },
};

use crate::{
    blocks::block,
    deletions::delete,
    support::{Fixture, Words as _, message, seqs, user},
    threads::reply,
};

madang_test_kit::on_both!(
    all_that_a_client_needs_comes_in_pages,
    mentions_are_unread_messages_that_name_the_user,
    a_mention_that_was_deleted_in_a_thread_is_none,
    a_subscription_goes_on_where_it_ends,
);

async fn page(service: &Service, user: &Profile, limit: u32, cursor: Option<String>) -> Synced {
    service.get_sync(GetSync { user: user.id, page: PageQuery { limit, cursor } }).await.unwrap()
}

/// All pages: the rooms, and the ids of the blocked.
async fn sync(service: &Service, user: &Profile, limit: u32) -> (Vec<SyncedRoom>, Vec<Arc<Profile>>) {
    let (mut rooms, mut blocked, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = page(service, user, limit, cursor).await;
        assert!(page.rooms.len() <= limit as usize && page.blocked.len() <= limit as usize);
        rooms.extend(page.rooms);
        blocked.extend(page.blocked.into_iter().map(|blocked| blocked.user));
        cursor = page.next;
        if cursor.is_none() {
            return (rooms, blocked);
        }
    }
}

async fn all_that_a_client_needs_comes_in_pages(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let mut rooms = Vec::new();
    for number in 0..5 {
        fixture.clock.advance(std::time::Duration::from_secs(60));
        let room = service.given_room(&[&mina, &jun]).await;
        for said in 0..number {
            service.say(room, &mina, &format!("{said}")).await.unwrap();
        }
        rooms.push(room);
    }
    service.given_room(&[&mina]).await;
    let trolls: Vec<_> = (10..15).map(user).collect();
    for troll in &trolls {
        fixture.clock.advance(std::time::Duration::from_millis(1));
        block(&service, &jun, troll).await.unwrap();
    }
    let level = PutRoomSettings {
        user: jun.id,
        room: rooms[3].into(),
        notify: Some(NotificationLevel::Mentions),
        muted_until: None,
    };
    service.put_room_settings(level).await.unwrap();
    for limit in [1, 2, 5, 200] {
        let (synced, blocked) = sync(&service, &jun, limit).await;
        // Latest activity first, as the list has them; of a room that moved between pages the last entry counts.
        let by_room: BTreeMap<RoomId, &SyncedRoom> =
            synced.iter().map(|room| (room.view.room.id, room)).collect();
        assert_eq!(by_room.len(), 5);
        for (number, room) in rooms.iter().enumerate() {
            let view = service.view(*room, &jun).await;
            assert_eq!(by_room[room].view, view);
            assert_eq!(view.membership.unwrap().unread, number as u64);
        }
        let settings = by_room[&rooms[3]].view.membership.unwrap().settings;
        assert_eq!(settings.notify, NotificationLevel::Mentions);
        let expected: Vec<_> = trolls.iter().rev().cloned().collect();
        assert_eq!(blocked, expected, "the latest block first");
    }
    let first = page(&service, &jun, 1, None).await;
    // Five invitations by being added.
    assert_eq!((first.inbox.head, first.inbox.read, first.inbox.unread), (Seq::new(5), Seq::START, 5));
    let bad = GetSync { user: jun.id, page: PageQuery { limit: 1, cursor: Some("a.1".to_owned()) } };
    assert_eq!(service.get_sync(bad).await.unwrap_err().code, Code::InvalidArgument);
}

async fn mentions_are_unread_messages_that_name_the_user(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let (room, other) = (service.given_room(&[&mina, &jun]).await, service.given_room(&[&mina, &jun]).await);
    let mut said = Vec::new();
    for (number, text) in
        ["@user-2 a", "b", "@user-2 c", "@user-2 d", "e", "@user-2 f"].into_iter().enumerate()
    {
        let message = message(text, &number.to_string());
        let append = Append { room, actor: Arc::clone(&mina), message, authority: Authority::User };
        said.push(service.append(append).await.unwrap().seq);
    }
    let mentions = async || {
        let (rooms, _) = sync(&service, &jun, 10).await;
        let of = |id| rooms.iter().find(|room| room.view.room.id == id).unwrap();
        (of(room).mentions, of(room).view.membership.unwrap().unread, of(other).mentions)
    };
    assert_eq!(mentions().await, (4, 6, 0));
    service.mark_read(MarkRead { user: jun.id, room: room.into(), seq: said[2] }).await.unwrap();
    assert_eq!(mentions().await, (2, 3, 0));
    let delete = DeleteMessage { actor: Some(Arc::clone(&mina)), room, message: said[3] };
    service.delete_message(delete).await.unwrap();
    assert_eq!(mentions().await, (1, 2, 0));
}

async fn a_mention_that_was_deleted_in_a_thread_is_none(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    let mut said = Vec::new();
    for text in ["@user-2 one", "@user-2 two"] {
        said.push(reply(&service, room, &mina, root, text).await.unwrap().value.seq);
    }
    let mentions = async || sync(&service, &jun, 10).await.0[0].mentions;
    assert_eq!(mentions().await, 2);
    delete(&service, room, &mina, said[0]).await.unwrap();
    assert_eq!(mentions().await, 1);
}

async fn a_subscription_goes_on_where_it_ends(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    for number in 0..3 {
        service.say(room, &mina, &format!("before {number}")).await.unwrap();
    }
    let synced = page(&service, &jun, 10, None).await;
    let view = &synced.rooms[0].view;
    let last = view.last_message.as_ref().unwrap().seq;
    assert_eq!((view.room.head, last, view.membership.unwrap().unread), (Seq::new(5), Seq::new(5), 3));
    for number in 0..4 {
        service.say(room, &mina, &format!("after {number}")).await.unwrap();
    }
    let notify = Notify { user: Arc::clone(&jun), data: "{}".into(), key: None };
    service.notify(notify).await.unwrap();
    let since = Some((view.room.head.get(), Some(synced.epoch)));
    let opened = service.open_since(room, &jun, since).await.unwrap();
    assert_eq!((opened.complete, seqs(&opened.events)), (true, vec![6, 7, 8, 9]));
    assert_eq!(service.unread(room, &jun).await, 3 + 4);
    let since = madang_domain::Cursor { seq: synced.inbox.head, epoch: Some(synced.epoch) };
    let open = OpenInbox { user: jun.id, since: Some(since), replay_limit: 10 };
    let opened = service.open_inbox(open).await.unwrap();
    assert_eq!((opened.complete, seqs(&opened.events)), (true, vec![2]));
}
