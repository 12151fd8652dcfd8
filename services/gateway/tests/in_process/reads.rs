//! The budgets from which reads are paid, by REST and by frames.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use madang_client::{Incoming, NewRoom, Socket};
use madang_contract::{
    ClientFrame, ErrorFrame, RoomSince, ServerFrame, Subscribe,
    rest::{Method, Route, all_routes},
};
use madang_domain::{IdempotencyKey, MessageId, MessageText, RoomRef, Seq};
use madang_gateway::GatewaySettings;
use madang_rpc::{
    Auth, MessageStore,
    around::{Around, Call, Layer},
    method::Method as Rpc,
};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{Gateway, PATIENCE, Services, User};

/// What a gateway asks by itself, now and then.
const OF_ITSELF: [&str; 5] = ["heads", "get_keys", "list_revocations", "list_removed_files", "take_erasures"];

/// Counts the calls of services that somebody has caused.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicU64>);

impl<S: Sync> Layer<S> for Counted {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Rpc,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if !OF_ITSELF.contains(&method.name) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        call(service)
    }
}

/// A gateway at which a user has one read a second, and the number of calls that it makes of the services.
async fn sparing_gateway(services: &Services) -> (Gateway, Counted) {
    let calls = Counted::default();
    let store = Arc::new(Around::new(Arc::clone(&services.store), calls.clone())) as Arc<dyn MessageStore>;
    let auth = Arc::new(Around::new(Arc::clone(&services.auth), calls.clone())) as Arc<dyn Auth>;
    let sparing = |settings: &mut GatewaySettings| {
        settings.reads_per_second = 1;
        settings.reads_burst = 1;
    };
    (services.gateway_of(auth, store, sparing).await, calls)
}

/// The user has read all for eleven seconds: a `subscribe` is a read, and each of its rooms a tenth of one.
async fn read_all(socket: &mut Socket) {
    let nowhere = |number| {
        let room = format!("no-such-slug-{number}").parse().unwrap();
        RoomSince { room, since: None, epoch: None }
    };
    let rooms = (0..100).map(nowhere).collect();
    let frame = ClientFrame::Subscribe(Subscribe { rooms, ..Subscribe::default() });
    let answer = socket.call(frame, PATIENCE).await.unwrap();
    assert!(matches!(answer, Incoming::Frame(ServerFrame::Subscribed(_))), "{answer:?}");
}

/// How a route that reads is called.
pub(crate) fn path_of(route: &Route, room: &str, other: &User) -> String {
    let file = "/v1/files/01a2024d-95d7-7ac3-8afb-e3a86cee2d1a";
    let path = route.path.replace("/v1/files/{id}", file).replace("{size}", "small");
    let path = path.replace("{room}", room).replace("{id}", "1").replace("{export}", "1");
    let path = path.replace("{user}", &other.profile.id.to_string());
    let path = if route.id == "search" { format!("{path}?q=yard") } else { path };
    assert!(!path.contains('{'), "{path}: say here how it is called");
    path
}

async fn get(gateway: &Gateway, user: &User, path: &str) -> reqwest::Response {
    gateway.api().with_token(&user.token).request(reqwest::Method::GET, path).send().await.unwrap()
}

/// A refusal: the limit that it names.
async fn limit_of(refused: reqwest::Response, what: &str) -> String {
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{what}");
    let problem: Value = refused.json().await.unwrap();
    assert!(problem["retry_after_ms"].as_u64().is_some_and(|after| after > 0), "{what}: {problem}");
    problem["limit"].as_str().unwrap_or_else(|| panic!("{what} names no limit")).to_owned()
}

async fn refusal(socket: &mut Socket, frame: ClientFrame) -> ErrorFrame<'static> {
    let id = socket.send_frame(frame).await.unwrap();
    match socket.answer(&id, PATIENCE).await.unwrap() {
        Incoming::Frame(ServerFrame::Error(error)) => error,
        other => panic!("{other:?} is no refusal"),
    }
}

#[tokio::test]
async fn whatever_a_user_reads_by_rest_is_paid_for_before_a_service_is_asked() {
    let services = Services::start().await;
    let (gateway, calls) = sparing_gateway(&services).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let room = gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    read_all(&mut gateway.socket(&mina).await).await;
    let before = calls.0.load(Ordering::Relaxed);
    let reads = all_routes().filter(|route| route.access.is_of_users() && route.method == Method::Get);
    // All at once, while there is nothing left; by a room's slug, too.
    let answers = reads.flat_map(|route| ["yard".to_owned(), room.to_string()].map(|room| (route, room)));
    let answers = answers
        .map(async |(route, room)| (route.id, get(&gateway, &mina, &path_of(route, &room, &joon)).await));
    let answers = join_all(answers).await;
    assert!(answers.len() >= 20, "{} reads", answers.len());
    for (route, refused) in answers {
        assert_eq!(limit_of(refused, route).await, "user_reads", "{route}");
    }
    assert_eq!(calls.0.load(Ordering::Relaxed), before, "a service was asked");
    assert_eq!(
        get(&gateway, &joon, "/v1/rooms").await.status(),
        StatusCode::OK,
        "another user feels nothing"
    );
}

#[tokio::test]
async fn whatever_a_user_reads_by_a_frame_is_paid_for_before_a_service_is_asked() {
    let services = Services::start().await;
    let (gateway, calls) = sparing_gateway(&services).await;
    let mina = services.user("mina").await;
    let room = gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let mut socket = gateway.socket(&mina).await;
    read_all(&mut socket).await;
    let slug: RoomRef = "yard".parse().unwrap();
    let since = || RoomSince { room: room.into(), since: Some(Seq::START), epoch: None };
    let before = calls.0.load(Ordering::Relaxed);
    for frame in [
        ClientFrame::History { room: room.into(), before: None, after: None, limit: None },
        ClientFrame::Presence { room: room.into() },
        ClientFrame::Subscribe(Subscribe { rooms: vec![since()], ..Subscribe::default() }),
        ClientFrame::Subscribe(Subscribe { all: true, ..Subscribe::default() }),
        ClientFrame::Subscribe(Subscribe { inbox_since: Some(Seq::START), ..Subscribe::default() }),
        ClientFrame::Auth { token: mina.token.clone(), inbox_since: Some(Seq::START), inbox_epoch: None },
        // What a name means is read.
        ClientFrame::Unsubscribe { rooms: vec![slug.clone()] },
        ClientFrame::Typing { room: slug.clone(), on: true, thread: None },
        ClientFrame::Received { room: slug.clone(), seq: Seq::new(1) },
        ClientFrame::Pin { room: slug.clone(), message: MessageId::new(Seq::new(1)), on: true },
        ClientFrame::Send {
            room: slug,
            key: IdempotencyKey::new("k").unwrap(),
            text: MessageText::new("hello").unwrap(),
            reply_to: None,
            attachments: Vec::new(),
            thread: None,
            in_room: false,
            metadata: None,
        },
    ] {
        let kind = frame.kind();
        let error = refusal(&mut socket, frame).await;
        assert_eq!(error.limit.as_deref(), Some("user_reads"), "{kind}: {error:?}");
        assert!(error.retry_after_ms.is_some_and(|after| after > 0), "{kind}: {error:?}");
    }
    assert_eq!(calls.0.load(Ordering::Relaxed), before, "a service was asked");
    // A message to a room by its id reads nothing.
    let send = ClientFrame::Send {
        room: room.into(),
        key: IdempotencyKey::new("k").unwrap(),
        text: MessageText::new("hello").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
        thread: None,
        in_room: false,
        metadata: None,
    };
    assert!(matches!(socket.call(send, PATIENCE).await.unwrap(), Incoming::Frame(ServerFrame::Ack(_))));
}

#[tokio::test]
async fn an_address_reads_so_much_whoever_its_users_are() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.address_reads_per_second = 1;
            settings.trusted_proxies = 1;
        })
        .await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let from = async |user: &User, path: &str, address: &str| {
        let request = gateway.api().with_token(&user.token).request(reqwest::Method::GET, path);
        request.header("x-forwarded-for", address).send().await.unwrap()
    };
    // Ten at once: more are asked for at once than come back meanwhile.
    let answers = join_all((0..30).map(|_| from(&mina, "/v1/inbox", "2001:db8::1"))).await;
    let done = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert!((10..30).contains(&done), "{done} of 30");
    let refused = join_all((0..5).map(|_| from(&joon, "/v1/rooms", "2001:db8::2"))).await.pop().unwrap();
    assert_eq!(limit_of(refused, "the same network").await, "address_reads");
    let keys = join_all((0..5).map(|_| from(&joon, "/.well-known/jwks.json", "2001:db8::3"))).await;
    assert_eq!(limit_of(keys.into_iter().next_back().unwrap(), "without a token").await, "address_reads");
    let elsewhere = from(&joon, "/v1/rooms", "203.0.113.9").await;
    assert_eq!(elsewhere.status(), StatusCode::OK, "and the user keeps all");
}
