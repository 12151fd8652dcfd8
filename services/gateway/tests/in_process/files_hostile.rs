//! Files of those who mean no good, and of those who are cut off.

use std::time::Duration;

use madang_client::NewRoom;
use madang_domain::RoomId;
use madang_test_kit::pictures::bomb;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    files::{Place, get, upload, uploaded},
    support::{Gateway, PATIENCE, Services, User, within},
};

async fn yard(gateway: &Gateway, user: &User) -> RoomId {
    gateway.api().with_token(&user.token).create_room(&NewRoom::public("Yard")).await.unwrap().id
}

async fn problem(answer: Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.unwrap())
}

/// The head of an upload that announces so many bytes.
fn head(user: &User, room: RoomId, length: u64) -> String {
    format!(
        "POST /v1/rooms/{room}/files?name=a.bin HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: {length}\r\n\r\n",
        user.token
    )
}

/// How many uploads the message store knows that have no message.
async fn announced(services: &Services) -> usize {
    use madang_rpc::{MessageStore as _, store::ListRemovedFiles};
    services.store.list_removed_files(ListRemovedFiles { limit: 100, after: None }).await.unwrap().len()
}

#[tokio::test]
async fn a_decompression_bomb_is_refused_and_leaves_nothing() {
    let (services, place) = (Services::start().await, Place::new());
    let gateway = place.gateway(&services).await;
    let mina = services.user("mina").await;
    let room = yard(&gateway, &mina).await;
    let bomb = bomb(20_000);
    let (status, said) = problem(upload(&gateway, &mina, room, "bomb.png", bomb).await).await;
    assert_eq!((status, &said["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"too_large".into()), "{said}");
    assert_eq!(place.names(), Vec::<String>::new());
    // A picture within the bound is one.
    uploaded(&gateway, &mina, room, "small.png", madang_test_kit::pictures::bomb(500)).await;
}

#[tokio::test]
async fn what_can_hold_a_script_is_only_to_be_saved_whatever_its_name_is() {
    let (services, place) = (Services::start().await, Place::new());
    let gateway = place.gateway(&services).await;
    let mina = services.user("mina").await;
    let room = yard(&gateway, &mina).await;
    for (name, bytes, content_type) in [
        ("cat.png", "<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        ("cat.png", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        ("cat.jpg", "<?xml version='1.0'?><svg/>", "image/svg+xml"),
    ] {
        let file = uploaded(&gateway, &mina, room, name, bytes).await;
        assert_eq!(file.content_type.as_str(), content_type, "{name}");
        let answer = get(&gateway, &mina, file.url.as_str(), &[]).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert!(header("content-disposition").starts_with("attachment; "), "{name}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.text().await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_broken_picture_and_a_refused_type_leave_nothing() {
    let (services, place) = (Services::start().await, Place::new());
    let refusing = |files: &mut madang_gateway::FileSettings| {
        files.refused_file_types = vec!["application/x-executable".to_owned(), "video/*".to_owned()];
    };
    let gateway = place.gateway_with(&services, refusing).await;
    let mina = services.user("mina").await;
    let room = yard(&gateway, &mina).await;
    for (name, bytes) in [
        ("broken.png", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and no more"[..]),
        ("tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ("film.txt", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
        ("empty", b""),
    ] {
        let (status, said) = problem(upload(&gateway, &mina, room, name, bytes).await).await;
        assert_eq!((status, &said["code"]), (StatusCode::BAD_REQUEST, &"invalid_argument".into()), "{name}");
    }
    for name in ["", "a/b", "..", "a\u{202e}gnp.exe", &"x".repeat(256)] {
        assert_eq!(
            upload(&gateway, &mina, room, name, "x").await.status(),
            StatusCode::BAD_REQUEST,
            "{name}"
        );
    }
    uploaded(&gateway, &mina, room, &"x".repeat(255), "x").await;
    assert_eq!(place.names().len(), 1);
}

#[tokio::test]
async fn a_file_has_a_bound_whether_it_is_announced_or_not() {
    let (services, place) = (Services::start().await, Place::new());
    let gateway = place.gateway_with(&services, |files| files.file_max_bytes = 100_000).await;
    let mina = services.user("mina").await;
    let room = yard(&gateway, &mina).await;
    uploaded(&gateway, &mina, room, "full", vec![1_u8; 100_000]).await;
    let (status, said) = problem(upload(&gateway, &mina, room, "more", vec![1_u8; 100_001]).await).await;
    assert_eq!((status, &said["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"too_large".into()));
    // In chunks, without a length.
    let chunks = |count: usize| {
        let chunk = || Ok::<_, std::io::Error>(bytes::Bytes::from(vec![1_u8; 10_000]));
        reqwest::Body::wrap_stream(futures_util::stream::iter((0..count).map(move |_| chunk())))
    };
    uploaded(&gateway, &mina, room, "full", chunks(10)).await;
    assert_eq!(
        upload(&gateway, &mina, room, "more", chunks(11)).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(place.names().len(), 2);
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_leaves_nothing() {
    let (services, place) = (Services::start().await, Place::new());
    let spool = tempfile::tempdir().unwrap();
    let at = spool.path().to_owned();
    // One file may take nearly all of a user's share: then there is room for few small ones.
    const SHARE: u64 = (1 << 30) - 8 * 4_096;
    let change = |files: &mut madang_gateway::FileSettings| {
        files.files_spool_dir = Some(at);
        files.file_max_bytes = SHARE;
    };
    let gateway = place.gateway_with(&services, change).await;
    let mina = services.user("mina").await;
    let room = yard(&gateway, &mina).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(head(&mina, room, SHARE).as_bytes()).await.unwrap();
    stream.write_all(&[7; 500_000]).await.unwrap();
    let until = async |expected: StatusCode| {
        while upload(&gateway, &mina, room, "another", "x").await.status() != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(PATIENCE, "the share to be taken", until(StatusCode::CONFLICT)).await;
    let before = place.names().len();
    drop(stream);
    // What was announced is given up and forgotten, and its bytes are there again for another one.
    within(PATIENCE, "the share to be given back", until(StatusCode::CREATED)).await;
    place.await_names(before + 1).await;
    assert_eq!(announced(&services).await, 0);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "what arrives has no name");
}

#[tokio::test]
async fn a_slow_upload_ends_and_uploads_at_once_are_bounded() {
    let (services, place) = (Services::start().await, Place::new());
    let slow = |files: &mut madang_gateway::FileSettings| {
        files.upload_seconds = 2;
        files.max_uploads = 3;
        files.max_user_uploads = 2;
    };
    let gateway = place.gateway_with(&services, slow).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let room = yard(&gateway, &mina).await;
    let joins = format!("/v1/rooms/{room}/join");
    gateway.api().with_token(&joon.token).request(reqwest::Method::POST, &joins).send().await.unwrap();
    let begin = async |user: &User| {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(head(user, room, 1_000_000).as_bytes()).await.unwrap();
        stream.write_all(&[7; 1_000]).await.unwrap();
        stream
    };
    let mut first = begin(&mina).await;
    let _second = begin(&mina).await;
    // The third of one user is refused while the two are under way.
    let refused = async {
        loop {
            let (status, said) = problem(upload(&gateway, &mina, room, "third", "x").await).await;
            if status == StatusCode::TOO_MANY_REQUESTS {
                return said;
            }
        }
    };
    let said = within(Duration::from_secs(1), "a refusal", refused).await;
    assert_eq!((&said["limit"], said["retry_after_ms"].is_u64()), (&"user_uploads".into(), true), "{said}");
    // Another user has the third place of all, and nobody the fourth.
    let _third = begin(&joon).await;
    let refused = async {
        while upload(&gateway, &joon, room, "fourth", "x").await.status() != StatusCode::SERVICE_UNAVAILABLE {
        }
    };
    within(Duration::from_secs(1), "a refusal for want of places", refused).await;

    let mut answer = vec![0; 1_024];
    let read =
        within(Duration::from_secs(5), "the end of a slow upload", first.read(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("deadline_exceeded"), "{answer}");
}
