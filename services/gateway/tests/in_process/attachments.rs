//! Files that a message points to.

use madang_client::{Body, NewRoom, SentMessage};
use madang_contract::EventBody;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Services;

const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

#[tokio::test]
async fn a_file_of_a_word_processor_reaches_the_room() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard")).await.unwrap().id;
    let mut subscriber = gateway.subscribe(&mina, room).await;
    let file = |name: &str, content_type: &str, url: &str| json!({"url": url, "name": name, "content_type": content_type, "size_bytes": 18_204});
    let path = format!("/v1/rooms/{room}/messages");
    let send = |file: Value| {
        api.request(Method::POST, &path).json(&json!({"text": "the minutes", "attachments": [file]}))
    };

    let long_name = format!("{}.docx", "회의록".repeat(27));
    assert_eq!(long_name.len(), 248);
    let sent: SentMessage = api.call(send(file(&long_name, WORD, "/files/1"))).await.unwrap();
    let message = api.messages(room, None, None, None).await.unwrap().items.remove(0);
    let live = subscriber.event(|body| matches!(body, Body::Known(EventBody::Message { .. }))).await;
    let attachment = &live.message().unwrap().attachments[0];
    assert_eq!((live.seq, &message.attachments[0]), (sent.seq, attachment));
    assert_eq!((attachment.name.as_str(), attachment.content_type.as_str()), (long_name.as_str(), WORD));
    assert_eq!(attachment.url.as_str(), "/files/1");

    for (name, content_type, url) in [
        ("minutes.docx", "a document", "/files/1"),
        ("../minutes.docx", WORD, "/files/1"),
        ("minutes\u{202e}xcod.exe", WORD, "/files/1"),
        ("minutes.docx", WORD, "javascript:alert(1)"),
        ("minutes.docx", WORD, "//elsewhere.example/1"),
    ] {
        let answer = send(file(name, content_type, url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name} {content_type} {url}");
    }
}
