//! What concerns one user reaches all of the user's sockets, on whichever gateway, once and in order: now, or when the
//! user comes back.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::time::Duration;

use madang_client::{
    ConnectOptions, Credential, InboxNotice, Incoming, NewRoom, NoticeOf, SessionOptions, Socket,
};
use madang_contract::{self as frames, ClientFrame, NoticeBody, ServerFrame, Subscribe};
use madang_domain::{Cursor, Epoch, Role, RoomId, Seq, UserId};
use madang_e2e::{
    Backend, COMPLETE_AGAIN, LIVE, PATIENCE, Person, Stage, eventually, fast_sends, public_room, send_frame,
    within,
};
use madang_test_kit::BreakableProxy;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::{sync::OnceCell, time::Instant};

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE.get_or_init(|| Stage::start(fast_sends())).await
}

/// The next notice that a socket gets, live; events of rooms are passed over.
async fn next_notice(socket: &mut Socket) -> InboxNotice {
    within(LIVE, "a notice", notice(socket)).await
}

/// The next notice that a socket gets, whenever that is.
async fn notice(socket: &mut Socket) -> InboxNotice {
    loop {
        if let Incoming::Notice(notice) = socket.next_frame(PATIENCE).await.expect("a notice") {
            return notice;
        }
    }
}

fn known(notice: &InboxNotice) -> &NoticeBody<'static> {
    match &notice.body {
        NoticeOf::Known(body) => body,
        NoticeOf::Unknown(other) => panic!("a notice of a known kind was due, and {other:?} came"),
    }
}

fn mention(notice: &InboxNotice) -> &frames::Mention<'static> {
    match known(notice) {
        NoticeBody::Mention(mention) => mention,
        other => panic!("a mention was due, and {other:?} came"),
    }
}

async fn say(socket: &mut Socket, room: RoomId, key: &str, text: &str) -> Seq {
    let answer = socket.call(send_frame(room, key, text), PATIENCE).await.expect("an answer");
    madang_e2e::ack(answer).seq
}

/// The inbox has these places and no others, and nothing of it was said twice: what a socket says next to the last
/// notice is the answer to a ping.
async fn assert_silent(socket: &mut Socket) {
    socket.call(ClientFrame::Ping {}, PATIENCE).await.expect("a pong");
    while let Ok(frame) = socket.next_frame(Duration::ZERO).await {
        assert!(!matches!(frame, Incoming::Notice(_)), "said once more: {frame:?}");
    }
}

/// Two people on two gateways, and a room with both in it.
async fn two_in_a_room(stage: &Stage) -> (Person, Person, RoomId) {
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Courtyard", &[&joon]).await.id;
    (mina, joon, room)
}

#[tokio::test]
async fn a_mention_reaches_the_user_on_both_gateways_and_nobody_else() {
    let stage = stage().await;
    let (mina, joon, room) = two_in_a_room(stage).await;
    let stranger = Person::register(stage.gateway(0), "sora").await;
    let mut here = joon.socket(&stage.gateway(0)).await;
    let mut there = joon.socket(&stage.gateway(1)).await;
    let mut strangers = stranger.socket(&stage.gateway(1)).await;
    let mut speaker = mina.socket_in(&stage.gateway(0), room).await;

    let text = format!("@{} 그리고 @{}님", stranger.username, joon.username);
    let seq = say(&mut speaker, room, "k", &text).await;
    for socket in [&mut here, &mut there] {
        let notice = next_notice(socket).await;
        assert_eq!(notice.seq, Seq::new(1));
        let mention = mention(&notice);
        assert_eq!((mention.room, mention.seq, &*mention.message), (room, seq, &*seq.to_string()));
        assert_eq!((mention.sender.id, &*mention.sender.name), (mina.id, "mina"));
    }
    // The message says whom it mentions, live and in history.
    let live = loop {
        if let Incoming::Event(event) = speaker.next_frame(PATIENCE).await.expect("the message")
            && let Some(message) = event.message()
        {
            break message.mentions.clone();
        }
    };
    assert_eq!(live, [joon.id]);
    let page = ClientFrame::History { room: room.into(), before: None, after: None, limit: Some(1) };
    let page = speaker.call(page, PATIENCE).await.expect("history");
    let Incoming::Ok(frames::OkFrame { answer: frames::Answer::History(page), .. }) = page else {
        panic!("{page:?}")
    };
    assert_eq!(page.events[0].message().expect("a message").mentions, [joon.id]);

    // Sent again under the same key, through the other gateway: the same message, and no second mention.
    let mut again = mina.socket(&stage.gateway(1)).await;
    assert_eq!(say(&mut again, room, "k", &text).await, seq);
    let next = say(&mut again, room, "k2", &format!("@{}", joon.username)).await;
    for socket in [&mut here, &mut there] {
        let notice = next_notice(socket).await;
        assert_eq!((notice.seq, mention(&notice).seq), (Seq::new(2), next), "in order, once");
        assert_silent(socket).await;
    }
    assert_silent(&mut strangers).await;
    let nothing = stranger.api.inbox(None, 50).await.expect("an inbox");
    assert_eq!((nothing.items.len(), nothing.head, nothing.unread), (0, Seq::START, 0));
    assert_eq!(mina.api.inbox(None, 50).await.expect("an inbox").head, Seq::START, "no mention of oneself");
}

#[tokio::test]
async fn an_invitation_and_a_notice_of_the_site_arrive_too() {
    let stage = stage().await;
    let (mina, joon, _) = two_in_a_room(stage).await;
    let mut here = joon.socket(&stage.gateway(0)).await;
    let mut there = joon.socket(&stage.gateway(1)).await;
    let made =
        mina.api.create_room(&NewRoom::private("Made with joon", vec![joon.id])).await.expect("a room");
    let later = mina.api.create_room(&NewRoom::private("Joon added", Vec::new())).await.expect("a room");
    mina.api.put_member(later.id, joon.id, Role::Member).await.expect("a member");
    let site = Backend::new(stage, &stage.gateway(1), &["notices"]).await;
    let data = json!({"alarm": "주문이 왔습니다", "no": 7});
    let path = format!("/users/{}/notices", joon.id);
    for _ in 0..2 {
        let (_, answer) = site.call_with_key(&path, &data, "order-7").await;
        assert_eq!(answer["seq"], json!(3), "the same notice, for its key");
    }
    for socket in [&mut here, &mut there] {
        for (place, room) in [(1, &made), (2, &later)] {
            let notice = next_notice(socket).await;
            let NoticeBody::Invite(invite) = known(&notice) else { panic!("{notice:?}") };
            assert_eq!((notice.seq, invite.room, &*invite.name), (Seq::new(place), room.id, &*room.name));
            assert_eq!(invite.by.id, mina.id);
        }
        let notice = next_notice(socket).await;
        let kept: Value = serde_json::from_str(notice.custom().expect("a custom notice")).expect("JSON");
        assert_eq!((notice.seq, kept), (Seq::new(3), data.clone()));
        assert_silent(socket).await;
    }

    // Sent while joon is away, and heard by whoever says what was heard last.
    drop((here, there));
    let (_, answer) = site.call_with_key(&path, &json!({"alarm": "배송 출발"}), "order-7-sent").await;
    assert_eq!(answer["seq"], json!(4));
    let mut back = Socket::connect(&stage.gateway(1), &Credential::None, &ConnectOptions::default())
        .await
        .expect("a socket");
    let token = joon.grant.access_token.clone();
    let auth = ClientFrame::Auth { token, inbox_since: Some(Seq::new(3)), inbox_epoch: None };
    back.send_frame(auth).await.expect("a frame");
    assert_replayed(&mut back, 3, 4).await;
}

#[tokio::test]
async fn what_came_while_away_is_replayed_once_and_in_order() {
    let stage = stage().await;
    let (mina, joon, room) = two_in_a_room(stage).await;
    let mut speaker = mina.socket(&stage.gateway(0)).await;
    let mut call = async |number: u64| {
        say(&mut speaker, room, &format!("k{number}"), &format!("@{} {number}", joon.username)).await;
    };
    // Joon's line to the second gateway is one that breaks.
    let line = BreakableProxy::start(stage.cluster.gateway(1).address()).expect("a proxy");
    let listener = joon.listen(vec![format!("http://{}", line.address())], room).await;
    call(1).await;
    listener.until(LIVE, "the first mention", |heard| heard.notices.len() == 1).await;
    let left_at = listener.session.inbox_cursor().await.expect("a cursor");

    line.refuse().await;
    line.cut();
    listener.until(PATIENCE, "the cut", |heard| !heard.closes.is_empty()).await;
    for number in 2..=20 {
        call(number).await;
    }
    line.accept().expect("the line's port again");
    call(21).await;
    listener.until(COMPLETE_AGAIN, "all mentions", |heard| heard.notices.len() >= 21).await;
    let places: Vec<u64> = listener.heard().notices.iter().map(|notice| notice.seq.get()).collect();
    assert_eq!(places, (1..=21).collect::<Vec<_>>());
    assert_eq!(listener.heard().faults, []);

    // A raw socket says where it is with its first frame, or later.
    let token = joon.grant.access_token.clone();
    let (since, epoch) = (Some(left_at.seq), left_at.epoch);
    let mut raw = Socket::connect(&stage.gateway(0), &Credential::None, &ConnectOptions::default())
        .await
        .expect("a socket");
    let auth = ClientFrame::Auth { token, inbox_since: since, inbox_epoch: epoch };
    raw.send_frame(auth).await.expect("a frame");
    assert_replayed(&mut raw, 1, 21).await;
    let subscribe = |inbox_since, inbox_epoch| {
        ClientFrame::Subscribe(Subscribe { inbox_since, inbox_epoch, ..Subscribe::default() })
    };
    raw.send_frame(subscribe(Some(Seq::new(18)), epoch)).await.expect("a frame");
    assert_replayed(&mut raw, 18, 21).await;
    call(22).await;
    assert_eq!(next_notice(&mut raw).await.seq, Seq::new(22), "and live again");
    assert_silent(&mut raw).await;

    // A cursor of another history is not trusted, and says so.
    raw.send_frame(subscribe(Some(Seq::new(18)), Some(Epoch::new(0xdead_beef)))).await.expect("a frame");
    let stands = next_inbox(&mut raw).await;
    assert_eq!((stands.complete, stands.from, stands.head), (false, Seq::new(22), Seq::new(22)));
}

async fn next_inbox(socket: &mut Socket) -> frames::Inbox {
    loop {
        if let Incoming::Frame(ServerFrame::Inbox(stands)) =
            socket.next_frame(PATIENCE).await.expect("`inbox`")
        {
            return stands;
        }
    }
}

/// The inbox is followed after a place, and each notice behind it said, up to the last.
async fn assert_replayed(socket: &mut Socket, since: u64, last: u64) {
    let stands = next_inbox(socket).await;
    assert_eq!((stands.complete, stands.from, stands.head), (true, Seq::new(since), Seq::new(last)));
    for place in since + 1..=last {
        assert_eq!(next_notice(socket).await.seq, Seq::new(place));
    }
}

#[tokio::test]
async fn a_mention_that_nobody_published_is_found_by_the_sweep() {
    let stage = stage().await;
    let (mina, joon, room) = two_in_a_room(stage).await;
    let mut here = joon.socket(&stage.gateway(0)).await;
    let mut there = joon.socket(&stage.gateway(1)).await;
    // What a gateway leaves behind that dies between the commit and the publish: the store's rows, and no word.
    let mut store =
        sqlx::PgConnection::connect(&stage.cluster.message_store_database_url()).await.expect("a database");
    let append = "SELECT count(*) FROM append_with_mentions(ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY['k'], \
                  ARRAY['@joon'], ARRAY[NULL::text], 1, false, ARRAY[1::bigint], ARRAY[$3::uuid])";
    let append = sqlx::query(append).bind(room.uuid()).bind(mina.id.uuid()).bind(joon.id.uuid());
    append.execute(&mut store).await.expect("an append");
    let appended = Instant::now();
    for socket in [&mut here, &mut there] {
        let left = COMPLETE_AGAIN.saturating_sub(appended.elapsed());
        let notice = within(left, "a notice that was not published", notice(socket)).await;
        assert_eq!((notice.seq, mention(&notice).room), (Seq::new(1), room));
    }
}

#[tokio::test]
async fn mentions_by_a_gateway_that_is_killed_are_heard_as_they_are_in_the_log() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon, room) = two_in_a_room(&stage).await;
    let survivor = joon.listen(vec![stage.gateway(1)], room).await;
    let speaker = mina.listen(vec![stage.gateway(0)], room).await;
    let text = format!("@{}", joon.username);
    let sends = (0..400).map(|number| {
        let (session, text) = (speaker.session.clone(), text.clone());
        tokio::spawn(async move { session.send_with_key(room, &text, &format!("k{number}")).await.map(drop) })
    });
    let sends: Vec<_> = sends.collect();
    survivor.until(PATIENCE, "some mentions", |heard| heard.notices.len() >= 20).await;
    stage.cluster.gateway(0).kill9().await.expect("a kill");
    drop(speaker);
    for send in sends {
        send.abort();
    }
    // The store may still commit what it had in hand; in the end both say the same.
    eventually(COMPLETE_AGAIN, "the survivor to have heard all that is committed", async || {
        let head = head_of_inbox(&stage, joon.id).await;
        (survivor.heard().notices.last().map(|notice| notice.seq.get()) == Some(head)).then_some(())
    })
    .await;
    let heard = survivor.heard();
    let places: Vec<u64> = heard.notices.iter().map(|notice| notice.seq.get()).collect();
    assert_eq!(places, (1..=places.len() as u64).collect::<Vec<_>>());
    assert_eq!(heard.faults, []);
    // Each mention is of a message that is there, and each message has its mention.
    let mentioned: Vec<i64> = heard
        .notices
        .iter()
        .map(|notice| i64::try_from(mention(notice).seq.get()).expect("a place"))
        .collect();
    drop(heard);
    let mut sorted = mentioned.clone();
    sorted.sort_unstable();
    let messages: Vec<i64> = stage
        .log_of(room)
        .await
        .into_iter()
        .filter(madang_e2e::LogRow::is_message)
        .map(|row| row.seq)
        .collect();
    assert_eq!(sorted, messages);
}

async fn head_of_inbox(stage: &Stage, user: UserId) -> u64 {
    let url = stage.cluster.message_store_database_url();
    let mut store = sqlx::PgConnection::connect(&url).await.expect("a database");
    let query = sqlx::query_scalar::<_, i64>("SELECT head FROM inboxes WHERE user_id = $1").bind(user.uuid());
    let head = query.fetch_optional(&mut store).await.expect("a head");
    u64::try_from(head.unwrap_or(0)).expect("a place")
}

#[tokio::test]
async fn an_inbox_is_paged_and_marked_as_read() {
    let stage = stage().await;
    let (mina, joon, room) = two_in_a_room(stage).await;
    let mut speaker = mina.socket(&stage.gateway(0)).await;
    for number in 1..=5 {
        say(&mut speaker, room, &format!("k{number}"), &format!("@{}", joon.username)).await;
    }
    let api = joon.at(&stage.gateway(1));
    let page = api.inbox(None, 2).await.expect("a page");
    let places = |items: &[InboxNotice]| items.iter().map(|notice| notice.seq.get()).collect::<Vec<_>>();
    assert_eq!(
        (places(&page.items), page.head, page.read, page.unread),
        (vec![5, 4], Seq::new(5), Seq::START, 5)
    );
    assert_eq!(places(&api.inbox(Some(Seq::new(4)), 50).await.expect("a page").items), [3, 2, 1]);
    assert_eq!(places(&api.inbox_after(Seq::new(3), 50).await.expect("a page").items), [4, 5]);
    assert_eq!(mention(&page.items[0]).sender.id, mina.id);

    let mark = api.mark_inbox_read(Seq::new(3)).await.expect("a mark");
    assert_eq!((mark.read, mark.unread), (Seq::new(3), 2));
    let mark = api.mark_inbox_read(Seq::new(1)).await.expect("a mark");
    assert_eq!((mark.read, mark.unread), (Seq::new(3), 2), "never back");
    // A session that begins is told, by the other gateway, and its cursor is good there.
    let options = SessionOptions {
        inbox: Some(Cursor { seq: Seq::new(3), epoch: Some(page.epoch) }),
        ..SessionOptions::default()
    };
    let (session, mut events) = madang_client::Session::start(vec![stage.gateway(0)], joon.bearer(), options);
    let mut heard = Vec::new();
    while heard.len() < 2 {
        match events.next_within(PATIENCE).await.expect("no fault").expect("an event") {
            madang_client::SessionEvent::Inbox { stands, missed } => {
                assert_eq!((stands.read, stands.unread, missed), (Seq::new(3), 2, false));
            }
            madang_client::SessionEvent::Notice(notice) => heard.push(notice.seq.get()),
            _ => {}
        }
    }
    assert_eq!(heard, [4, 5]);
    session.close().await;
    let refused = api.inbox(None, 201).await.expect_err("more than a page has");
    assert!(matches!(refused, madang_client::Error::Problem(_)), "{refused}");
}
