//! Of what users want to be notified, notices that are dismissed, and what the user's other devices hear of it.

use madang_client::{InboxNotice, Incoming, NewRoom, NoticeOf, Socket};
use madang_contract::{
    Dismissed, InboxRead, NoticeBody, RoomSettings, ServerFrame, Settings,
    rest::{RoomSettingsChanges, UserSettingsChanges},
};
use madang_domain::{Code, NotificationLevel, Seq, Timestamp};

use crate::support::{PATIENCE, Services};

async fn next_frame(
    socket: &mut Socket,
    is_it: impl Fn(&ServerFrame<'static>) -> bool,
) -> ServerFrame<'static> {
    loop {
        if let Incoming::Frame(frame) = socket.next_frame(PATIENCE).await.unwrap()
            && is_it(&frame)
        {
            return frame;
        }
    }
}

async fn next_notice(socket: &mut Socket) -> InboxNotice {
    loop {
        if let Incoming::Notice(notice) = socket.next_frame(PATIENCE).await.unwrap() {
            return notice;
        }
    }
}

#[tokio::test]
async fn a_level_refuses_notices_and_the_other_devices_hear_of_it() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (of_mina, of_jun) =
        (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let mut device = gateways[0].socket(&jun).await;
    next_frame(&mut device, |frame| matches!(frame, ServerFrame::Inbox(_))).await;

    assert_eq!(of_jun.room(&room.to_string()).await.unwrap().settings, Some(RoomSettings::default()));
    let changes = RoomSettingsChanges { notify: Some(NotificationLevel::None), muted_until: None };
    let set = of_jun.put_room_settings(room, &changes).await.unwrap();
    assert_eq!(set, RoomSettings { notify: NotificationLevel::None, muted_until: None });
    let told = next_frame(&mut device, |frame| matches!(frame, ServerFrame::Settings(_))).await;
    assert_eq!(told, ServerFrame::Settings(Settings { user: None, room: Some(room), settings: Some(set) }));
    let of_room = of_jun.room(&room.to_string()).await.unwrap();
    assert_eq!(of_room.settings, Some(set));

    of_mina.send_message(room, "@jun, quietly", None).await.unwrap();
    let changes = RoomSettingsChanges { notify: Some(NotificationLevel::Mentions), muted_until: Some(None) };
    of_jun.put_room_settings(room, &changes).await.unwrap();
    let loud = of_mina.send_message(room, "@jun, aloud", None).await.unwrap();
    let notice = next_notice(&mut device).await;
    let NoticeOf::Known(NoticeBody::Mention(mention)) = &notice.body else { panic!("{notice:?}") };
    assert_eq!((notice.seq, mention.seq), (Seq::new(1), loud.seq), "the quiet one has no place");

    let until: Timestamp = "2030-01-01T00:00:00.000Z".parse().unwrap();
    let changes =
        UserSettingsChanges { do_not_disturb_until: Some(Some(until)), ..UserSettingsChanges::default() };
    let set = of_jun.put_settings(&changes).await.unwrap();
    assert_eq!(set.do_not_disturb_until, Some(until));
    let told = next_frame(&mut device, |frame| matches!(frame, ServerFrame::Settings(_))).await;
    let ServerFrame::Settings(told) = told else { unreachable!("it is one") };
    let user = if told.user.is_some() {
        told.user
    } else {
        // The second change of the room came first.
        match next_frame(&mut device, |frame| matches!(frame, ServerFrame::Settings(_))).await {
            ServerFrame::Settings(told) => told.user,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(user, Some(set));
    // Who is not to be disturbed is told all the same, to find it later.
    of_mina.send_message(room, "@jun, in the night", None).await.unwrap();
    assert_eq!(next_notice(&mut device).await.seq, Seq::new(2));
}

#[tokio::test]
async fn the_other_devices_hear_of_what_is_dismissed_and_read() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let of_mina = gateways[0].api().with_token(&mina.token);
    let of_jun = gateways[1].api().with_token(&jun.token);
    let room = of_mina.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let mut device = gateways[0].socket(&jun).await;
    next_frame(&mut device, |frame| matches!(frame, ServerFrame::Inbox(_))).await;
    for number in 0..3 {
        of_mina.send_message(room, &format!("@jun {number}"), None).await.unwrap();
        assert_eq!(next_notice(&mut device).await.seq, Seq::new(number + 1));
    }
    of_jun.dismiss_notice(Seq::new(2)).await.unwrap();
    let notice = next_notice(&mut device).await;
    let dismissed = NoticeOf::Known(NoticeBody::Dismissed(Dismissed { notice: Seq::new(2) }));
    assert_eq!((notice.seq, notice.body), (Seq::new(4), dismissed));
    of_jun.dismiss_notice(Seq::new(2)).await.unwrap();
    let page = of_jun.inbox(None, 50).await.unwrap();
    let places: Vec<u64> = page.items.iter().map(|notice| notice.seq.get()).collect();
    assert_eq!((places, page.unread, page.head.get()), (vec![3, 1], 2, 4));

    let mark = of_jun.mark_inbox_read(Seq::new(1)).await.unwrap();
    assert_eq!((mark.read.get(), mark.unread), (1, 1));
    let told = next_frame(&mut device, |frame| matches!(frame, ServerFrame::InboxRead(_))).await;
    assert_eq!(told, ServerFrame::InboxRead(InboxRead { read: Seq::new(1), unread: 1 }));
    match of_jun.dismiss_notice(Seq::new(9)).await {
        Err(madang_client::Error::Problem(problem)) => assert_eq!(problem.code, Code::NotFound),
        other => panic!("{other:?} is no refusal"),
    }
}
