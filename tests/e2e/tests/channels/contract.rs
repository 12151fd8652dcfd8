//! The contract, frame by frame: what is said, what is refused, and which paths there are.

use madang_client::NewRoom;
use madang_domain::{Role, RoomId};
use madang_e2e::{FrontEnd, Person, ack, public_room, send_frame};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    clock,
    places::{Place, at_both},
    refusal, room_path, says,
};

/// What a frame is told that names no room or user, or others than the socket's.
const WRONG_ACCESS: &str = "올바르지 않은 접근";

at_both!(
    a_message_reaches_everybody_the_sender_included,
    a_room_is_one_at_both_edges,
    a_wrong_frame_is_answered_by_an_alert,
    who_is_not_to_be_let_in_never_sees_an_open_socket,
    each_credential_opens_each_path,
    the_simple_variant_has_one_room,
    a_wrong_path_says_which_ones_there_are,
);

/// Two people and a public room of the first one's, with the slug of the room.
async fn courtyard(place: &Place) -> (Person, Person, RoomId) {
    let (mina, joon) =
        tokio::join!(Person::register(&*place.first, "미나"), Person::register(&*place.second, "준"));
    let room = public_room(&mina, "Courtyard", &[]).await.id;
    (mina, joon, room)
}

mod stories {
    use super::*;

    pub(super) async fn a_message_reaches_everybody_the_sender_included(place: Place) {
        let (mina, joon, room) = courtyard(&place).await;
        let mut speaker = FrontEnd::open(&place.first, &room_path(room), &mina).await;
        let mut tab = FrontEnd::open(&place.second, &room_path(room), &mina).await;
        // A public room is joined by opening its socket.
        let mut listener = FrontEnd::open(&place.second, &room_path(room), &joon).await;
        speaker.send(says(room, &mina, "안녕하세요")).await;

        let history = joon.api.messages(room, None, None, None);
        for heard in [&mut speaker, &mut tab, &mut listener] {
            let frame = heard.until_type("message").await;
            let expected = json!({
                "response_type": "message",
                "message": "안녕하세요",
                "sender": mina.id,
                "sender_name": "미나",
                "room_id": room,
                "profile": null,
                "time": frame["time"],
            });
            assert_eq!(frame, expected);
        }
        let logged = history.await.expect("the history").items;
        listener.send(says(room, &joon, "반갑습니다")).await;
        let answer = speaker.until_type("message").await;
        assert_eq!((&answer["sender"], &answer["sender_name"]), (&json!(joon.id), &json!("준")));
        assert_eq!(logged.iter().map(|message| &*message.text).collect::<Vec<_>>(), ["안녕하세요"]);
    }

    pub(super) async fn a_room_is_one_at_both_edges(place: Place) {
        let (mina, joon, room) = courtyard(&place).await;
        let mut old = FrontEnd::open(&place.first, &room_path(room), &mina).await;
        joon.at(&place.second).join(room).await.expect("a member");
        let mut new = joon.socket_in(&place.second, room).await;

        old.send(says(room, &mina, "from the old one")).await;
        let event = loop {
            let frame = new.next_frame(madang_e2e::PATIENCE).await.expect("an event");
            if let madang_client::Incoming::Event(event) = frame
                && event.message().is_some()
            {
                break event;
            }
        };
        let message = event.message().expect("a message");
        assert_eq!((message.text.as_ref(), message.sender.id), ("from the old one", mina.id));
        let frame = old.until_type("message").await;
        assert_eq!(frame["time"], clock(&event.at.to_string(), 9), "the log's time, in Seoul");

        let sent = new.call(send_frame(room, "k", "from the new one"), madang_e2e::PATIENCE).await;
        assert!(!ack(sent.expect("an ack")).duplicate);
        let frame = old.until_type("message").await;
        assert_eq!((&frame["message"], &frame["sender"]), (&json!("from the new one"), &json!(joon.id)));
    }

    pub(super) async fn a_wrong_frame_is_answered_by_an_alert(place: Place) {
        let (mina, joon, room) = courtyard(&place).await;
        let mut listener = FrontEnd::open(&place.second, &room_path(room), &joon).await;
        let mut socket = FrontEnd::open(&place.first, &room_path(room), &mina).await;
        let elsewhere = public_room(&mina, "Elsewhere", &[]).await.id;
        for frame in [
            json!({"message": "no room, no user"}),
            json!({"room_id": room, "message": "no user"}),
            json!({"user_id": mina.id, "message": "no room"}),
            json!({"room_id": room, "user_id": joon.id, "message": "as somebody else"}),
            json!({"room_id": elsewhere, "user_id": mina.id, "message": "into another room"}),
            json!({"room_id": null, "user_id": null, "message": "x"}),
        ] {
            socket.send(frame.to_string()).await;
            let expected = json!({"response_type": "alert", "message": WRONG_ACCESS});
            assert_eq!(socket.until_type("alert").await, expected, "{frame}");
        }
        let long = "x".repeat(4_001);
        for text in [
            "{",
            "",
            "[]",
            "안녕",
            &json!({"room_id": room, "user_id": mina.id}).to_string(),
            &says(room, &mina, " "),
            &says(room, &mina, &long),
        ] {
            socket.send(text).await;
            let alert = socket.until_type("alert").await;
            assert_ne!(alert["message"], WRONG_ACCESS, "{text:.40} has an alert of its own");
        }
        // The socket lives, and of all that nobody has heard a word.
        socket.send(says(room, &mina, "a right one")).await;
        assert_eq!(listener.until_type("message").await["message"], "a right one");
        assert_eq!(socket.until_type("message").await["message"], "a right one");
    }

    pub(super) async fn who_is_not_to_be_let_in_never_sees_an_open_socket(place: Place) {
        let (mina, joon, room) = courtyard(&place).await;
        let private = mina.api.create_room(&NewRoom::private("Chamber", vec![])).await.expect("a room").id;
        let token = &mina.grant.access_token;
        let other = &joon.grant.access_token;
        let ended = joon.api.ws_ticket().await.expect("a ticket").ticket;
        let once = format!("{}?ticket={ended}", room_path(room));
        FrontEnd::try_open(&place.first, &once, &[]).await.expect("the ticket's one use");
        let unknown = "01941f29-7c00-7000-8000-0000000000ab";
        for (path, code) in [
            (room_path(room), "unauthenticated"),
            (format!("{}?token=", room_path(room)), "unauthenticated"),
            (format!("{}?token=null", room_path(room)), "unauthenticated"),
            (format!("{}?token={token}x", room_path(room)), "unauthenticated"),
            (format!("{}?id={}", room_path(room), mina.id), "unauthenticated"),
            (once, "unauthenticated"),
            ("/ws/chat/".to_owned(), "unauthenticated"),
            ("/ws/alarm/".to_owned(), "unauthenticated"),
            (format!("{}?token={token}", room_path(unknown)), "not_found"),
            (format!("{}?token={token}", room_path("no-such-room")), "not_found"),
            (format!("{}?token={token}", room_path("%EB%A7%88%EB%8B%B9")), "not_found"),
            (format!("{}?token={other}", room_path(private)), "permission_denied"),
        ] {
            let refused = refusal(&place.second, &path, &[]).await;
            assert_eq!((refused.status, &refused.problem["code"]), (403, &json!(code)), "{path}");
            assert_eq!(refused.problem["status"], 403, "{path}");
        }
        let foreign = format!("{}?token={token}", room_path(room));
        let refused = refusal(&place.first, &foreign, &[("origin", "https://evil.example")]).await;
        assert_eq!((refused.status, &refused.problem["code"]), (403, &json!("permission_denied")));
        let members = mina.api.members(private, None, None).await.expect("the members").items;
        assert_eq!(members.len(), 1, "a refused socket leaves nobody behind");
    }

    pub(super) async fn each_credential_opens_each_path(place: Place) {
        let (mina, _, room) = courtyard(&place).await;
        let slug = format!("yard-{}", mina.username.rsplit('-').next().unwrap_or_default());
        let named = NewRoom::public("Named").slug(&slug);
        mina.api.create_room(&named).await.expect("a room with a slug");
        let token = &mina.grant.access_token;
        let bearer = format!("Bearer {token}");
        let entry = format!("bearer.{token}");
        let paths = [
            room_path(room),
            room_path(room).trim_end_matches('/').to_owned(),
            room_path(&slug),
            "/ws/chat/".to_owned(),
            "/ws/chat".to_owned(),
            "/ws/alarm/".to_owned(),
            "/ws/alarm".to_owned(),
        ];
        for path in paths {
            let ticket = mina.api.ws_ticket().await.expect("a ticket").ticket;
            let (by_token, by_ticket) = (format!("{path}?token={token}"), format!("{path}?ticket={ticket}"));
            for (path, headers) in [
                (&by_token, vec![]),
                (&by_ticket, vec![]),
                (&path, vec![("authorization", &*bearer)]),
                (&path, vec![("sec-websocket-protocol", &*entry)]),
            ] {
                let opened = FrontEnd::try_open(&place.second, path, &headers).await;
                opened.unwrap_or_else(|refused| panic!("{path}: {refused:?}")).close().await;
            }
        }
    }

    pub(super) async fn the_simple_variant_has_one_room(place: Place) {
        let (mina, joon, _) = courtyard(&place).await;
        let (mut first, mut second) = tokio::join!(
            FrontEnd::open(&place.first, "/ws/chat/", &mina),
            FrontEnd::open(&place.second, "/ws/chat", &joon),
        );
        let text = format!("안녕 {}", mina.username);
        first.send(json!({"message": text}).to_string()).await;
        for heard in [&mut first, &mut second] {
            let frame = heard.until("the message", |frame| frame["message"] == json!(text)).await;
            let expected = json!({"user": mina.username, "message": text, "timestamp": frame["timestamp"]});
            assert_eq!(frame, expected);
            let at = frame["timestamp"].as_str().unwrap_or_default();
            assert_eq!((at.len(), &at[10..11], &at[23..]), (24, "T", "Z"), "ISO 8601, in UTC");
        }
        first.send("{").await;
        first.until_type("alert").await;

        // It is a room like any other, and who happened to be there first does not own it.
        let lobby = joon.at(&place.second).room("lobby").await.expect("the lobby");
        let members = joon.at(&place.second).members(lobby.id, None, None).await.expect("its members").items;
        assert!(members.iter().all(|member| member.role == Role::Member), "{members:?}");
    }

    pub(super) async fn a_wrong_path_says_which_ones_there_are(place: Place) {
        let mina = Person::register(&*place.first, "mina").await;
        let guest = place.guest();
        let with_token = guest.with_token(&mina.grant.access_token);
        for path in ["/chat/7/", "/ws/chat/7/more", "/ws/chats/7", "/ws", "/ws/alram/", "/v1/ws/chat/7"] {
            for client in [&guest, &with_token] {
                let answer = client.request(Method::GET, path).send().await.expect("an answer");
                assert_eq!(answer.status(), 404, "{path}");
                let problem: Value = answer.json().await.expect("a problem");
                let detail = problem["detail"].as_str().unwrap_or_default();
                for known in ["/v1/ws", "/ws/chat/{room}", "/ws/chat", "/ws/alarm"] {
                    assert!(detail.contains(known), "{path}: {detail}");
                }
            }
            assert_eq!(refusal(&place.first, path, &[]).await.status, 404, "{path}, by a handshake");
        }
        let page = guest.request(Method::GET, "/ws/chat/7/").send().await.expect("an answer");
        assert_eq!(page.status(), 400, "a right path that is asked for no socket says so");
    }
}
