//! Uploaded files: on their way in, in messages, on their way out, and gone.

use std::path::Path;

use image::ImageFormat;
use madang_client::{Body, NewRoom};
use madang_contract::{Attachment, ClientFrame, EventBody, FileToAttach, NewAttachment, ServerFrame};
use madang_domain::{FileId, IdempotencyKey, MessageText, RoomId};
use madang_test_kit::pictures::{encoded, gradient, photograph};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Gateway, PATIENCE, Services, User, within};

/// Where files are kept.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A gateway that keeps files here.
    pub(crate) async fn gateway(&self, services: &Services) -> Gateway {
        self.gateway_with(services, |_| ()).await
    }

    /// The same with other settings of files.
    pub(crate) async fn gateway_with(
        &self,
        services: &Services,
        change: impl FnOnce(&mut madang_gateway::FileSettings),
    ) -> Gateway {
        services
            .gateway_with(|settings| {
                settings.files.files_url = Some(self.0.path().to_str().unwrap().to_owned());
                // What is about files is not to meet the rate of commands.
                (settings.sends_per_second, settings.sends_burst) = (1_000, 1_000);
                change(&mut settings.files);
            })
            .await
    }

    /// The names of all files in it.
    pub(crate) fn names(&self) -> Vec<String> {
        fn walk(directory: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), names);
                } else {
                    names.push(entry.file_name().into_string().unwrap());
                }
            }
        }
        let mut names = Vec::new();
        walk(self.0.path(), &mut names);
        names
    }

    /// Waits until so many files are in it. A directory has nothing to await, so it is looked into.
    pub(crate) async fn await_names(&self, count: usize) {
        let fewer = async {
            while self.names().len() != count {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        within(PATIENCE, "the number of files", fewer).await;
    }
}

/// Uploads a file.
pub(crate) async fn upload(
    gateway: &Gateway,
    user: &User,
    room: RoomId,
    name: &str,
    bytes: impl Into<reqwest::Body>,
) -> Response {
    let api = gateway.api().with_token(&user.token);
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = api.request(Method::POST, &format!("/v1/rooms/{room}/files?name={name}"));
    request.body(bytes).send().await.unwrap()
}

/// Uploads a file that is taken.
pub(crate) async fn uploaded(
    gateway: &Gateway,
    user: &User,
    room: RoomId,
    name: &str,
    bytes: impl Into<reqwest::Body>,
) -> Attachment {
    let answer = upload(gateway, user, room, name, bytes).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Sends a message that has files, and answers its id.
pub(crate) async fn send(gateway: &Gateway, user: &User, room: RoomId, files: &[FileId]) -> String {
    let files: Vec<Value> = files.iter().map(|file| json!({"file": file})).collect();
    let body = json!({"text": "look", "attachments": files});
    let api = gateway.api().with_token(&user.token);
    let sent = api.request(Method::POST, &format!("/v1/rooms/{room}/messages")).json(&body);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Asks for a path, with further headers.
pub(crate) async fn get(gateway: &Gateway, user: &User, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = gateway.api().with_token(&user.token).request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn said<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_photograph_goes_to_a_room_over_two_gateways_without_its_place() {
    const WHERE: &str = "37.5665N 126.9780E";
    let (services, place) = (Services::start().await, Place::new());
    let (near, far) = (place.gateway(&services).await, place.gateway(&services).await);
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let room = near.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    far.api()
        .with_token(&joon.token)
        .request(Method::POST, &format!("/v1/rooms/{room}/join"))
        .send()
        .await
        .unwrap();
    let mut listener = far.subscribe(&joon, room).await;

    let original = photograph(1_600, 800, 6, WHERE);
    let file = uploaded(&near, &mina, room, "마당.jpg", original.clone()).await;
    assert_eq!((file.name.as_str(), file.content_type.as_str()), ("마당.jpg", "image/jpeg"));
    let image = file.image.clone().unwrap();
    assert_eq!((image.width, image.height, image.placeholder.len()), (800, 1_600, 28));
    let id = file.file.unwrap();
    assert_eq!(file.url.as_str(), format!("/v1/files/{id}"));
    send(&near, &mina, room, &[id]).await;

    // The event says the same over the bus as the page does.
    let live = listener.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    assert_eq!(live.message().unwrap().attachments, std::slice::from_ref(&file));
    let page = far.api().with_token(&joon.token).messages(room, None, None, None).await.unwrap();
    assert_eq!(page.items[0].attachments, std::slice::from_ref(&file));

    let answer = get(&far, &joon, file.url.as_str(), &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(said(&answer, "content-type"), "image/jpeg");
    assert!(said(&answer, "content-disposition").starts_with("inline; "));
    assert_eq!(said(&answer, "content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(said(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(said(&answer, "cache-control"), "private, no-cache");
    assert_eq!(said(&answer, "content-length"), file.size_bytes.to_string());
    let etag = said(&answer, "etag").to_owned();
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(bytes.len() as u64, file.size_bytes);
    assert!(original.windows(WHERE.len()).any(|part| part == WHERE.as_bytes()));
    assert!(!bytes.windows(WHERE.len()).any(|part| part == WHERE.as_bytes()), "the place is gone");
    let shown = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap();
    assert_eq!(shown, image::load_from_memory_with_format(&original, ImageFormat::Jpeg).unwrap());

    // What a browser has already it gets no second time, as long as it may have it.
    let answer = get(&far, &joon, file.url.as_str(), &[("if-none-match", etag.as_str())]).await;
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    for (size, width, height) in [("small", 180, 360), ("large", 640, 1_280)] {
        let answer = get(&far, &joon, &format!("{}/thumbnail/{size}", file.url.as_str()), &[]).await;
        assert_eq!((answer.status(), said(&answer, "content-type")), (StatusCode::OK, "image/jpeg"));
        let thumbnail = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height()), (width, height));
    }
    let unknown = get(&far, &joon, &format!("{}/thumbnail/huge", file.url.as_str()), &[]).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_file_is_read_in_ranges() {
    let (services, place) = (Services::start().await, Place::new());
    let gateway = place.gateway(&services).await;
    let mina = services.user("mina").await;
    let room = gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    // More than one part of what a directory is given at once.
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let file = uploaded(&gateway, &mina, room, "numbers.bin", content.clone()).await;
    assert_eq!((file.content_type.as_str(), file.image.clone()), ("application/octet-stream", None));
    let url = file.url.as_str();
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1048570-1048579", 1_048_570, 1_048_580),
        ("bytes=2999990-", 2_999_990, 3_000_000),
        ("bytes=-5", 2_999_995, 3_000_000),
        ("bytes=2999999-9999999", 2_999_999, 3_000_000),
    ] {
        let answer = get(&gateway, &mina, url, &[("range", range)]).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(said(&answer, "content-range"), format!("bytes {from}-{}/3000000", to - 1));
        assert!(said(&answer, "content-disposition").starts_with("attachment; "));
        assert_eq!(answer.bytes().await.unwrap(), content[from..to], "{range}");
    }
    let answer = get(&gateway, &mina, url, &[("range", "bytes=3000000-")]).await;
    assert_eq!(answer.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(said(&answer, "content-range"), "bytes */3000000");
    let answer = get(&gateway, &mina, url, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.bytes().await.unwrap(), content);
    let answer = get(&gateway, &mina, &format!("{url}/thumbnail/small"), &[]).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "of numbers there is no thumbnail");
}

#[tokio::test]
async fn a_frame_sends_files_too() {
    let (services, place) = (Services::start().await, Place::new());
    let gateway = place.gateway(&services).await;
    let mina = services.user("mina").await;
    let room = gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let picture = encoded(&gradient(40, 30), ImageFormat::Png);
    let file = uploaded(&gateway, &mina, room, "a.png", picture).await;
    let mut subscriber = gateway.subscribe(&mina, room).await;
    let send = |file| ClientFrame::Send {
        room: room.into(),
        key: IdempotencyKey::new("k").unwrap(),
        text: MessageText::new("look").unwrap(),
        reply_to: None,
        attachments: vec![NewAttachment::File(FileToAttach { file })],
        thread: None,
        in_room: false,
        metadata: None,
    };
    let id = subscriber.socket.send_frame(send(file.file.unwrap())).await.unwrap();
    let event = subscriber.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    assert_eq!(event.message().unwrap().attachments, std::slice::from_ref(&file));
    drop(id);
    // A second message does not get it.
    let mut again = send(file.file.unwrap());
    if let ClientFrame::Send { key, .. } = &mut again {
        *key = IdempotencyKey::new("another").unwrap();
    }
    subscriber.socket.send_frame(again).await.unwrap();
    subscriber
        .frame(|frame| matches!(frame, ServerFrame::Error(error) if error.code == madang_domain::Code::FailedPrecondition))
        .await;
}

#[tokio::test]
async fn files_are_for_those_who_see_them_at_whatever_gateway() {
    let (services, place) = (Services::start().await, Place::new());
    let (near, far) = (place.gateway(&services).await, place.gateway(&services).await);
    let (mina, joon, stranger) =
        (services.user("mina").await, services.user("joon").await, services.user("stranger").await);
    let room = near.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let step = async |user: &User, what: &str| {
        let path = format!("/v1/rooms/{room}/{what}");
        far.api().with_token(&user.token).request(Method::POST, &path).send().await.unwrap();
    };
    step(&joon, "join").await;
    assert_eq!(upload(&near, &stranger, room, "a.txt", "hello").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(place.names(), Vec::<String>::new());
    let file = uploaded(&near, &mina, room, "a.txt", "hello").await;
    let status =
        async |gateway: &Gateway, user: &User| get(gateway, user, file.url.as_str(), &[]).await.status();
    assert_eq!(status(&far, &joon).await, StatusCode::NOT_FOUND, "nobody has sent it yet");
    assert_eq!(status(&far, &mina).await, StatusCode::OK);
    let message = send(&near, &mina, room, &[file.file.unwrap()]).await;
    assert_eq!(status(&far, &joon).await, StatusCode::OK);
    assert_eq!(status(&far, &stranger).await, StatusCode::NOT_FOUND);
    let nobody = reqwest::get(format!("{}{}", far.base(), file.url.as_str())).await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    step(&joon, "leave").await;
    assert_eq!(status(&near, &joon).await, StatusCode::NOT_FOUND);

    // Deleted at one gateway, it is gone at once everywhere, and soon from the disk.
    assert_eq!(place.names().len(), 1);
    let path = format!("/v1/rooms/{room}/messages/{message}");
    let deleted = far.api().with_token(&mina.token).request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(status(&near, &mina).await, StatusCode::NOT_FOUND);
    place.await_names(0).await;
}

#[tokio::test]
async fn where_no_files_are_kept_it_is_said() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let room = gateway.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let refused = upload(&gateway, &mina, room, "a.txt", "hello").await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let said: Value = refused.json().await.unwrap();
    assert!(said["detail"].as_str().unwrap().contains("MADANG_FILES_URL"), "{said}");
}
