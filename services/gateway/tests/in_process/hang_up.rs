//! A client that hangs up between the commit of its change and the answer: the change is published all the same.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use madang_client::{Body, Incoming, NewRoom, NoticeOf};
use madang_contract::{EventBody, NoticeBody, ServerFrame};
use madang_domain::{Error, RoomId};
use madang_gateway::GatewaySettings;
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    method::Method,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

use crate::support::{Gateway, PATIENCE, Services, Subscriber, User, within};

/// A member hears of a change within a second, on every gateway. The other gateway sweeps nothing in this story, so that
/// only the publication can tell it.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// Holds back the answers of changes after they were committed.
#[derive(Clone)]
struct HoldAnswers {
    committed: Arc<Semaphore>,
    release: Arc<Semaphore>,
}

impl HoldAnswers {
    fn new() -> Self {
        Self { committed: Arc::new(Semaphore::new(0)), release: Arc::new(Semaphore::new(0)) }
    }
}

impl<S: Sync> Layer<S> for HoldAnswers {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        let is_change = matches!(
            method.name,
            "append"
                | "join"
                | "leave"
                | "put_member"
                | "remove_member"
                | "update_room"
                | "delete_room"
                | "mark_read"
                | "append_in_thread"
                | "edit_message"
                | "delete_message"
                | "react"
                | "set_pin"
                | "restrict"
                | "accept_invitation"
                | "dismiss"
                | "put_status"
                | "put_user_settings"
                | "put_room_settings"
        );
        Box::pin(async move {
            let answer = call(service).await;
            if is_change {
                self.committed.add_permits(1);
                self.release.acquire().await.expect("nobody closes it").forget();
            }
            answer
        })
    }
}

/// Fails what the sweep asks.
struct NoSweep;

impl<S: Sync> Layer<S> for NoSweep {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name == "heads" {
            return Box::pin(async { Err(Error::unavailable("no sweep in this story")) });
        }
        call(service)
    }
}

struct Story {
    services: Services,
    hold: HoldAnswers,
    /// Where the change is asked for.
    first: Gateway,
    /// Where the owner of the room listens.
    second: Gateway,
    owner: User,
    member: User,
}

impl Story {
    async fn begin() -> Self {
        let services = Services::start().await;
        let hold = HoldAnswers::new();
        let held: Arc<dyn MessageStore> = Arc::new(Around::new(Arc::clone(&services.store), hold.clone()));
        let unswept: Arc<dyn MessageStore> = Arc::new(Around::new(Arc::clone(&services.store), NoSweep));
        // One owner makes all rooms, as fast as the machine can.
        let lively = |settings: &mut GatewaySettings| {
            (settings.sends_per_second, settings.sends_burst) = (1_000, 1_000);
            settings.room_creations_per_minute = 1_000;
        };
        let first = services.gateway_of(Arc::clone(&services.auth), held, lively).await;
        let second = services.gateway_of(Arc::clone(&services.auth), unswept, lively).await;
        let (owner, member) = (services.user("owner").await, services.user("member").await);
        Self { services, hold, first, second, owner, member }
    }

    /// A public room with both users, and the owner's subscription at the second gateway.
    async fn room(&self) -> (RoomId, Subscriber) {
        let owner = self.second.api().with_token(&self.owner.token);
        let room = owner.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
        self.second.api().with_token(&self.member.token).join(room).await.unwrap();
        (room, self.second.subscribe(&self.owner, room).await)
    }

    /// Asks the first gateway for a change, hangs up once it is committed, and only then lets the store answer.
    async fn change_and_hang_up(&self, user: &User, method: &str, path: &str, body: &str) {
        let address: SocketAddr = self.first.base().trim_start_matches("http://").parse().unwrap();
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "{method} /v1{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            user.token,
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        within(PATIENCE, "the commit", self.hold.committed.acquire()).await.unwrap().forget();
        connection.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // The gateway closes when it sees the client's end; the request is dropped by then.
        within(PATIENCE, "the end of the connection", connection.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(rest, b"", "no answer before the store's");
        self.hold.release.add_permits(1);
    }
}

fn known(body: &Body, is_it: impl Fn(&EventBody<'static>) -> bool) -> bool {
    matches!(body, Body::Known(body) if is_it(body))
}

#[tokio::test]
async fn a_change_whose_client_hung_up_is_told_at_the_other_gateway() {
    type Told = fn(&EventBody<'static>) -> bool;
    let story = Story::begin().await;
    let member = story.member.profile.id;
    let changes: [(&str, &str, String, &str, Told); 13] = [
        ("owner", "PATCH", "/messages/3".to_owned(), r#"{"text":"edited"}"#, |body| {
            matches!(body, EventBody::Edited { .. })
        }),
        ("member", "PUT", "/messages/3/reactions/:wave:".to_owned(), "", |body| {
            matches!(body, EventBody::Reaction { .. })
        }),
        ("owner", "PUT", "/pins/3".to_owned(), "", |body| matches!(body, EventBody::Pinned { .. })),
        (
            "member",
            "POST",
            "/messages".to_owned(),
            r#"{"text":"a reply","thread":"3"}"#,
            |body| matches!(body, EventBody::Message { message } if message.thread.is_some()),
        ),
        ("owner", "DELETE", "/messages/3".to_owned(), "", |body| matches!(body, EventBody::Deleted { .. })),
        ("owner", "POST", format!("/members/{member}/mute"), r#"{"reason":"noise"}"#, |body| {
            matches!(body, EventBody::Muted { .. })
        }),
        ("owner", "POST", format!("/members/{member}/ban"), r#"{"reason":"noise"}"#, |body| {
            matches!(body, EventBody::Banned { .. })
        }),
        ("member", "POST", "/messages".to_owned(), r#"{"text":"hello"}"#, |body| {
            matches!(body, EventBody::Message { .. })
        }),
        ("owner", "PUT", format!("/members/{member}"), r#"{"role":"moderator"}"#, |body| {
            matches!(body, EventBody::Role { .. })
        }),
        (
            "owner",
            "PATCH",
            String::new(),
            r#"{"name":"Yard"}"#,
            |body| matches!(body, EventBody::Room { properties } if !properties.deleted),
        ),
        ("owner", "DELETE", format!("/members/{member}"), "", |body| matches!(body, EventBody::Left { .. })),
        ("member", "POST", "/leave".to_owned(), "", |body| matches!(body, EventBody::Left { .. })),
        (
            "owner",
            "DELETE",
            String::new(),
            "",
            |body| matches!(body, EventBody::Room { properties } if properties.deleted),
        ),
    ];
    for (who, method, path, body, told) in changes {
        let (room, mut subscriber) = story.room().await;
        // The third event of the room.
        story.second.api().with_token(&story.owner.token).send_message(room, "first", None).await.unwrap();
        subscriber.event(|body| known(body, |body| matches!(body, EventBody::Message { .. }))).await;
        let user = if who == "owner" { &story.owner } else { &story.member };
        story.change_and_hang_up(user, method, &format!("/rooms/{room}{path}"), body).await;
        let event = subscriber.event(|body| known(body, told));
        within(TOLD_WITHIN, &format!("the event of {method} {path}"), event).await;
    }
}

#[tokio::test]
async fn joining_is_told_and_so_is_a_read_mark() {
    let story = Story::begin().await;
    let (room, mut subscriber) = story.room().await;
    let guest = story.services.user("guest").await;
    story.change_and_hang_up(&guest, "POST", &format!("/rooms/{room}/join"), "").await;
    let joined = subscriber.event(|body| {
        known(body, |body| matches!(body, EventBody::Joined { joined } if joined.user.id == guest.profile.id))
    });
    within(TOLD_WITHIN, "the guest's joining", joined).await;

    story.change_and_hang_up(&story.owner, "PUT", &format!("/rooms/{room}/read"), r#"{"seq":1}"#).await;
    let read = subscriber.frame(|frame| matches!(frame, ServerFrame::Read(read) if read.user.is_some()));
    within(TOLD_WITHIN, "the read mark on the owner's other device", read).await;
}

#[tokio::test]
async fn whoever_comes_by_a_link_is_told_of() {
    let story = Story::begin().await;
    let (room, mut subscriber) = story.room().await;
    let guest = story.services.user("guest").await;
    let owner = story.second.api().with_token(&story.owner.token);
    let make =
        owner.request(reqwest::Method::POST, &format!("/v1/rooms/{room}/invitations")).json(&json!({}));
    let link: Value = owner.call(make).await.unwrap();
    let path = format!("/invitations/{}", link["code"].as_str().unwrap());
    story.change_and_hang_up(&guest, "POST", &path, "").await;
    let joined = subscriber.event(|body| {
        known(body, |body| matches!(body, EventBody::Joined { joined } if joined.user.id == guest.profile.id))
    });
    within(TOLD_WITHIN, "the guest's joining", joined).await;
}

/// Changes of what is one's own, which the user's other device hears of.
#[tokio::test]
async fn what_a_user_sets_is_told_to_the_users_other_device() {
    let story = Story::begin().await;
    let (room, mut subscriber) = story.room().await;
    let owner = &story.owner;
    story.change_and_hang_up(owner, "PUT", "/users/me/status", r#"{"text":"at lunch"}"#).await;
    let status = subscriber.frame(|frame| matches!(frame, ServerFrame::Status(_)));
    within(TOLD_WITHIN, "the status", status).await;
    let of_user =
        |frame: &ServerFrame<'static>| matches!(frame, ServerFrame::Settings(set) if set.user.is_some());
    let of_room =
        |frame: &ServerFrame<'static>| matches!(frame, ServerFrame::Settings(set) if set.room.is_some());
    story.change_and_hang_up(owner, "PUT", "/users/me/settings", r#"{"added_by":"nobody"}"#).await;
    within(TOLD_WITHIN, "the settings", subscriber.frame(of_user)).await;
    let path = format!("/rooms/{room}/settings/me");
    story.change_and_hang_up(owner, "PUT", &path, r#"{"notify":"none"}"#).await;
    within(TOLD_WITHIN, "the settings of the room", subscriber.frame(of_room)).await;

    // A notice, and then its end.
    let member = story.second.api().with_token(&story.member.token);
    let mut of_member = story.second.subscribe(&story.member, room).await;
    let api = story.second.api().with_token(&owner.token);
    api.send_message(room, "@member, hello", None).await.unwrap();
    let noticed = of_member.next(|incoming| matches!(incoming, Incoming::Notice(_)));
    let Incoming::Notice(notice) = within(PATIENCE, "the notice", noticed).await else { unreachable!() };
    let path = format!("/inbox/{}", notice.seq);
    story.change_and_hang_up(&story.member, "DELETE", &path, "").await;
    let dismissed = of_member.next(|incoming| {
        matches!(incoming, Incoming::Notice(notice)
            if matches!(notice.body, NoticeOf::Known(NoticeBody::Dismissed(_))))
    });
    within(TOLD_WITHIN, "the end of the notice", dismissed).await;
    assert!(member.inbox(None, 50).await.unwrap().items.is_empty());
}
