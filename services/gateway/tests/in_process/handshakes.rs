//! Handshakes of one address that show no good credential: bounded, and in nobody's way.

use futures_util::StreamExt as _;
use madang_client::NewRoom;
use reqwest::header;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, client::IntoClientRequest as _},
};

use crate::support::{Gateway, PATIENCE, Services, User, within};

/// One of the crowd, and somebody else.
const CROWD: &str = "203.0.113.9";
const OTHER: &str = "203.0.113.7";
/// More than ten admissions a second let in, or let wait.
const MANY: usize = 40;

type Opened = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a refused handshake is answered.
struct Refused {
    status: u16,
    has_retry_after: bool,
    problem: Value,
}

/// A handshake from an address, as a proxy says it.
async fn open(gateway: &Gateway, path: &str, from: &str, token: Option<&str>) -> Result<Opened, Refused> {
    let url = format!("{}{path}", gateway.base().replacen("http", "ws", 1));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", from.parse().unwrap());
    if let Some(token) = token {
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    match within(PATIENCE, "the handshake's answer", Box::pin(connect_async(request))).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(Refused {
            status: answer.status().as_u16(),
            has_retry_after: answer.headers().contains_key(header::RETRY_AFTER),
            problem: serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap(),
        }),
        Err(error) => panic!("{error}"),
    }
}

/// The type of the first frame, or the code of the close that comes instead.
async fn first(socket: &mut Opened) -> String {
    match within(PATIENCE, "a frame", socket.next()).await.unwrap().unwrap() {
        tokio_tungstenite::tungstenite::Message::Text(text) => {
            let frame: Value = serde_json::from_str(&text).unwrap();
            frame["type"].as_str().unwrap().to_owned()
        }
        tokio_tungstenite::tungstenite::Message::Close(close) => u16::from(close.unwrap().code).to_string(),
        other => panic!("{other:?}"),
    }
}

async fn assert_comes_in(gateway: &Gateway, user: &User, from: &str) {
    let opened = open(gateway, "/v1/ws", from, Some(&user.token)).await;
    let mut socket = opened.unwrap_or_else(|refused| panic!("{} {}", refused.status, refused.problem));
    assert_eq!(first(&mut socket).await, "hello");
}

#[tokio::test]
async fn a_crowd_without_credentials_does_not_use_up_the_admissions() {
    let services = Services::start().await;
    let gateway =
        services.gateway_with_flags(&["--admissions-per-second", "10", "--trusted-proxies", "1"]).await;
    let mina = services.user("mina").await;
    let mut silent = Vec::new();
    for _ in 0..MANY {
        silent.push(open(&gateway, "/v1/ws", CROWD, None).await.unwrap_or_else(|_| panic!("refused")));
    }
    assert_comes_in(&gateway, &mina, OTHER).await;
    for _ in 0..MANY {
        let mut wrong =
            open(&gateway, "/v1/ws", CROWD, Some("wrong")).await.unwrap_or_else(|_| panic!("refused"));
        assert_eq!(first(&mut wrong).await, "4401");
    }
    assert_comes_in(&gateway, &mina, OTHER).await;
}

#[tokio::test]
async fn handshakes_that_show_no_good_credential_are_bounded_by_address() {
    let services = Services::start().await;
    let flags = [
        "--handshakes-per-second",
        "1",
        "--handshakes-burst",
        "3",
        "--trusted-proxies",
        "1",
        "--channels-edge",
        "true",
    ];
    let gateway = services.gateway_with_flags(&flags).await;
    let mina = services.user("mina").await;
    // Whoever is known is not counted, however many come.
    for _ in 0..10 {
        assert_comes_in(&gateway, &mina, CROWD).await;
    }
    // One comes back each second, so that a slow machine opens some more.
    let mut silent = Vec::new();
    let refused = async {
        loop {
            match open(&gateway, "/v1/ws", CROWD, None).await {
                Ok(socket) => silent.push(socket),
                Err(refused) => return refused,
            }
        }
    };
    let Refused { status, has_retry_after, problem } = within(PATIENCE, "a refusal", Box::pin(refused)).await;
    assert!(silent.len() >= 3, "refused after {}", silent.len());
    assert_eq!((status, has_retry_after), (429, true), "{problem}");
    assert_eq!((&problem["code"], &problem["limit"]), (&json!("rate_limited"), &json!("address_handshakes")));
    assert!(problem["retry_after_ms"].as_u64().is_some_and(|after| after <= 1_000), "{problem}");
    assert_comes_in(&gateway, &mina, OTHER).await;
    // An IPv6 subscriber has one network, whichever of its addresses it takes; and the other dialect counts too.
    let mut statuses = Vec::new();
    for number in 1..=8 {
        let address = format!("[2001:db8:7:7::{number}]:443");
        let refused = open(&gateway, "/ws/chat/", &address, None).await.err();
        statuses.push(refused.map_or(101, |refused| refused.status));
    }
    assert!(statuses.contains(&429) && statuses[..3] == [403; 3], "{statuses:?}");
}

/// A close of a socket has a code alone; the dialect that answers the handshake says which limit it is.
#[tokio::test]
async fn who_has_too_many_sockets_is_told_which_limit_that_is() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.channels.channels_edge = Some(true);
            settings.max_user_sockets = 1;
        })
        .await;
    let mina = services.user("mina").await;
    let room = gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let path = format!("/ws/chat/{room}/");
    let _held = open(&gateway, &path, OTHER, Some(&mina.token)).await.unwrap_or_else(|_| panic!("refused"));
    let Err(refused) = open(&gateway, &path, OTHER, Some(&mina.token)).await else { panic!("it came in") };
    let Refused { status, has_retry_after, problem } = refused;
    assert_eq!(
        (status, has_retry_after, &problem["limit"]),
        (429, true, &json!("user_sockets")),
        "{problem}"
    );
}
