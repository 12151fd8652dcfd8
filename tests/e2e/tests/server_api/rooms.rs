//! The site's backend makes rooms, puts members into them, and sends notices.

use madang_client::Client;
use madang_domain::{Code, Role, RoomId, Seq};
use madang_e2e::{Backend, Person, Stage, site_token};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{code, stage};

fn room_id(room: &Value) -> RoomId {
    room["id"].as_str().and_then(|id| id.parse().ok()).expect("a room's id")
}

/// The routes that a user of the site calls with a token of the site.
fn user_of_the_site(stage: &Stage, user: u64) -> Client {
    Client::new(&stage.gateway(1)).expect("an address of the stage").with_token(site_token(user, &json!({})))
}

#[tokio::test]
async fn a_room_of_the_site_is_made_once_and_found_by_its_name() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "rooms", "messages"]).await;
    for user in ["ext:101", "ext:102"] {
        site.put_user(user, &json!({})).await;
    }
    let wanted = json!({
        "name": "주문 7", "kind": "private", "external_id": "order/7", "owner": "ext:101", "members": ["ext:102"],
    });
    let made = site.call(Method::POST, "/rooms", &wanted).await.unwrap();
    assert_eq!(
        (&made["external_id"], &made["members"], &made["role"]),
        (&json!("order/7"), &json!(2), &json!(null)),
        "the site sees it without a member's place"
    );
    let (status, again) = site.call_with_key("/rooms", &wanted, "another-key").await;
    assert_eq!((status, room_id(&again)), (StatusCode::OK, room_id(&made)), "it is there: {again}");

    // By the site's name everywhere, by the members' own tokens too.
    let path = "/rooms/ext:order%2F7/messages";
    let sent =
        site.call(Method::POST, path, &json!({"user": "ext:102", "text": "안녕하세요"})).await.unwrap();
    let owner = user_of_the_site(stage, 101);
    assert_eq!(room_id(&made), owner.room("ext:order%2F7").await.unwrap().id);
    let heard = owner.messages(room_id(&made), None, None, None).await.unwrap();
    assert_eq!(heard.items.first().map(|message| message.seq), sent["seq"].as_u64().map(Seq::new));

    for (body, expected) in [
        (json!({"name": "x", "kind": "private"}), Code::InvalidArgument),
        (json!({"name": "x", "kind": "private", "owner": "ext:nobody"}), Code::NotFound),
        (
            json!({"name": "x", "kind": "private", "owner": "ext:101", "members": ["ext:nobody"]}),
            Code::NotFound,
        ),
        (json!({"name": "x", "kind": "direct", "owner": "ext:101"}), Code::InvalidArgument),
        (
            json!({"name": "x", "kind": "public", "owner": "ext:101", "external_id": ""}),
            Code::InvalidArgument,
        ),
        (
            json!({"name": "x", "kind": "public", "owner": "ext:101", "members": vec!["ext:102"; 101]}),
            Code::TooLarge,
        ),
    ] {
        let answer = site.call(Method::POST, "/rooms", &body).await;
        assert_eq!(code(answer), Some(expected), "{body}");
    }
}

#[tokio::test]
async fn the_site_puts_members_into_any_room_and_takes_them_out() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "rooms", "messages"]).await;
    for user in ["ext:201", "ext:202"] {
        site.put_user(user, &json!({})).await;
    }
    // A room that a user of this chat has made: the site stands above its roles.
    let joon = Person::register(stage.ingress(), "joon").await;
    let room = joon.api.create_room(&madang_client::NewRoom::private("Ours", Vec::new())).await.unwrap().id;
    let member = format!("/rooms/{room}/members/ext:201");
    let put = async |body: Value| site.call(Method::PUT, &member, &body).await.unwrap()["role"].clone();
    assert_eq!(put(json!({})).await, json!("member"));
    assert_eq!(put(json!({"role": "owner"})).await, json!("owner"));
    assert_eq!(put(json!({})).await, json!("owner"), "what the site does not name is not changed");
    let mina = user_of_the_site(stage, 201);
    mina.send_message(room, "in", None).await.unwrap();

    site.call_for_nothing(Method::DELETE, &member).await.unwrap();
    assert_eq!(code(mina.send_message(room, "out", None).await), Some(Code::PermissionDenied));

    // `join` makes whoever is to speak a member, and leaves members as they are.
    let path = format!("/rooms/{room}/messages");
    let speak = |user: &str, join: bool| json!({"user": user, "text": "hello", "join": join});
    assert_eq!(
        code(site.call(Method::POST, &path, &speak("ext:202", false)).await),
        Some(Code::PermissionDenied)
    );
    let mere = Backend::new(stage, &stage.gateway(0), &["messages"]).await;
    let refused = mere.call(Method::POST, &path, &speak("ext:202", true)).await;
    assert_eq!(code(refused), Some(Code::PermissionDenied), "joining is a matter of rooms");
    site.call(Method::POST, &path, &speak("ext:202", true)).await.unwrap();
    site.call(Method::POST, &path, &speak(&joon.id.to_string(), true)).await.unwrap();
    let members = joon.api.members(room, None, None).await.unwrap().items;
    let roles: Vec<(&str, Role)> =
        members.iter().map(|member| (member.user.username.as_ref(), member.role)).collect();
    assert_eq!(roles, [(joon.username.as_str(), Role::Owner), ("user-202", Role::Member)]);
    let nowhere = "/rooms/01941f29-7c00-7000-8000-0000000000ab";
    let answer = site.call(Method::PUT, &format!("{nowhere}/members/ext:201"), &json!({})).await;
    assert_eq!(code(answer), Some(Code::NotFound));
    let answer = site.call(Method::POST, &format!("{nowhere}/messages"), &speak("ext:202", true)).await;
    assert_eq!(code(answer), Some(Code::NotFound));
}

#[tokio::test]
async fn a_notice_is_any_object_once_for_its_key() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "notices"]).await;
    site.put_user("ext:301", &json!({})).await;
    let path = "/users/ext:301/notices";
    let notice =
        json!({"kind": "order", "no": 9_007_199_254_740_993_u64, "z": 1, "a": {"deep": [null, true]}});
    let (status, first) = site.call_with_key(path, &notice, "order-7").await;
    assert_eq!((status, &first["seq"]), (StatusCode::CREATED, &json!(1)));
    let (status, again) = site.call_with_key(path, &notice, "order-7").await;
    assert_eq!((status, &again), (StatusCode::CREATED, &first));
    let other = site.call(Method::POST, path, &json!({})).await.unwrap();
    assert_eq!(other["seq"], json!(2));
    for (body, expected) in [
        (json!([1]), Code::InvalidArgument),
        (json!("text"), Code::InvalidArgument),
        (json!(null), Code::InvalidArgument),
        (json!({"text": "x".repeat(16 * 1024)}), Code::TooLarge),
    ] {
        assert_eq!(code(site.call(Method::POST, path, &body).await), Some(expected));
    }
    let nobody = site.call(Method::POST, "/users/ext:399/notices", &json!({})).await;
    assert_eq!(code(nobody), Some(Code::NotFound));
}
