//! Rooms by the site's own authority.

use std::sync::Arc;

use madang_client::{Body, Client, NewRoom};
use madang_contract::EventBody;
use madang_domain::{Role, RoomId};
use madang_rpc::{Auth, around::Around};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    problems::AnyKey,
    support::{Gateway, Services, User},
};

async fn gateway(services: &Services) -> Gateway {
    let auth: Arc<dyn Auth> = Arc::new(Around::new(Arc::clone(&services.auth), AnyKey));
    services.gateway_with_auth(auth, |_| ()).await
}

async fn call(api: &Client, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = api.request(method, path);
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
}

/// What the site gets.
async fn get(site: &Client, path: &str) -> (StatusCode, Value) {
    call(site, Method::GET, path, Value::Null).await
}

async fn direct(gateway: &Gateway, one: &User, other: &User) -> RoomId {
    let body = json!({"name": "Two", "kind": "direct", "members": [other.profile.id]});
    let api = gateway.api().with_token(&one.token);
    let (status, made) = call(&api, Method::POST, "/v1/rooms", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    serde_json::from_value(made["id"].clone()).unwrap()
}

#[tokio::test]
async fn the_site_reads_every_room_with_its_members_and_messages() {
    let services = Services::start().await;
    let gateway = gateway(&services).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let (site, minas) = (gateway.api().with_token("mk_any"), gateway.api().with_token(&mina.token));
    let private = minas.create_room(&NewRoom::private("Cellar", Vec::new())).await.unwrap().id;
    let two = direct(&gateway, &mina, &joon).await;
    for text in ["one", "two"] {
        minas.send_message(private, text, None).await.unwrap();
    }
    // Who comes later sees nothing of it; the site sees all.
    let flags = json!({"history": "joined"});
    call(&minas, Method::PATCH, &format!("/v1/rooms/{private}"), flags).await;
    minas.put_member(private, joon.profile.id, Role::Member).await.unwrap();

    let (status, first) = get(&site, "/v1/server/rooms?limit=1").await;
    assert_eq!((status, &first["items"][0]["id"]), (StatusCode::OK, &json!(two)), "the newest first");
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, last) = get(&site, &format!("/v1/server/rooms?limit=1&cursor={cursor}")).await;
    assert_eq!((&last["items"][0]["id"], &last["next_cursor"]), (&json!(private), &Value::Null));

    let (status, room) = get(&site, &format!("/v1/server/rooms/{private}")).await;
    assert_eq!((status, &room["name"], &room["members"]), (StatusCode::OK, &json!("Cellar"), &json!(2)));
    assert!(room.get("role").is_none() && room["external_id"].is_null(), "{room}");
    let (_, members) = get(&site, &format!("/v1/server/rooms/{private}/members")).await;
    let names: Vec<_> = members["items"].as_array().unwrap().iter().map(|member| &member["role"]).collect();
    assert_eq!(names, [&json!("owner"), &json!("member")]);
    let (_, page) = get(&site, &format!("/v1/server/rooms/{private}/messages?limit=1")).await;
    assert_eq!((&page["items"][0]["text"], &page["more"]), (&json!("two"), &json!(true)));
    let seq = page["items"][0]["seq"].as_u64().unwrap();
    let (_, page) = get(&site, &format!("/v1/server/rooms/{private}/messages?before={seq}")).await;
    assert_eq!(page["items"][0]["text"], json!("one"));
    let nowhere = get(&site, "/v1/server/rooms/01941f29-7c00-7000-8000-0000000000ab").await;
    assert_eq!(nowhere.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_site_changes_and_deletes_rooms_as_their_first_owner() {
    let services = Services::start().await;
    let gateway = gateway(&services).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let (site, minas) = (gateway.api().with_token("mk_any"), gateway.api().with_token(&mina.token));
    let joons = gateway.api().with_token(&joon.token);
    // A slug that rests is the site's to give.
    let rests = minas.create_room(&NewRoom::public("Garden")).await.unwrap();
    call(&minas, Method::PATCH, &format!("/v1/rooms/{}", rests.id), json!({"slug": "garden"})).await;
    call(&minas, Method::PATCH, &format!("/v1/rooms/{}", rests.id), json!({"slug": null})).await;
    let room = joons.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let (status, refused) =
        call(&joons, Method::PATCH, &format!("/v1/rooms/{room}"), json!({"slug": "garden"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");

    let mut subscriber = gateway.subscribe(&joon, room).await;
    let path = format!("/v1/server/rooms/{room}");
    let change = json!({"name": "Closed", "slug": "garden", "archived": true, "slow_mode_s": 5});
    let (status, changed) = call(&site, Method::PATCH, &path, change.clone()).await;
    assert_eq!(
        (status, &changed["name"], &changed["slug"]),
        (StatusCode::OK, &json!("Closed"), &json!("garden"))
    );
    assert_eq!((&changed["archived"], &changed["slow_mode_s"]), (&json!(true), &json!(5)));
    subscriber.event(|body| matches!(body, Body::Known(EventBody::Room { .. }))).await;
    assert_eq!(call(&site, Method::PATCH, &path, change).await.0, StatusCode::OK, "a repeat changes nothing");
    let (_, record) = call(&joons, Method::GET, &format!("/v1/rooms/{room}/audit"), Value::Null).await;
    assert_eq!(record["items"].as_array().unwrap().len(), 1, "{record}");
    let entry = &record["items"][0];
    assert_eq!((&entry["action"], &entry["by_site"]), (&json!("room_changed"), &json!(true)));
    assert_eq!(entry["actor"]["id"], json!(joon.profile.id), "on behalf of the owner");

    // A direct room has a name and no flags, and the site may delete it.
    let two = direct(&gateway, &mina, &joon).await;
    let path = format!("/v1/server/rooms/{two}");
    assert_eq!(call(&site, Method::PATCH, &path, json!({"name": "Pair"})).await.0, StatusCode::OK);
    assert_eq!(call(&site, Method::PATCH, &path, json!({"archived": true})).await.0, StatusCode::CONFLICT);
    for room in [room, two] {
        let path = format!("/v1/server/rooms/{room}");
        assert_eq!(call(&site, Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
        assert_eq!(get(&site, &path).await.0, StatusCode::NOT_FOUND);
        let as_user = call(&joons, Method::GET, &format!("/v1/rooms/{room}"), Value::Null).await;
        assert_eq!(as_user.0, StatusCode::NOT_FOUND, "{as_user:?}");
    }
    assert_eq!(call(&site, Method::DELETE, &path, Value::Null).await.0, StatusCode::NOT_FOUND);
}

/// Messages and members' places are read by other scopes than that with which rooms are made and changed.
#[tokio::test]
async fn the_site_is_answered_no_message_and_no_place_of_a_member() {
    let services = Services::start().await;
    let gateway = gateway(&services).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let (site, minas) = (gateway.api().with_token("mk_any"), gateway.api().with_token(&mina.token));
    let make = |kind: &str, external_id: Value| {
        let (owner, members) = (mina.profile.id, [joon.profile.id]);
        json!({
            "name": "Shop", "kind": kind, "owner": owner, "members": members, "external_id": external_id
        })
    };
    let check = |answer: &Value| {
        for absent in ["last_message", "role", "read", "unread", "settings"] {
            assert!(answer.get(absent).is_none_or(Value::is_null), "{absent} of {answer}");
        }
    };
    for make in [make("private", json!("7")), make("direct", Value::Null)] {
        let (status, made) = call(&site, Method::POST, "/v1/server/rooms", make.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        check(&made);
        let room: RoomId = serde_json::from_value(made["id"].clone()).unwrap();
        minas.send_message(room, "a secret", None).await.unwrap();
        let path = format!("/v1/server/rooms/{room}");
        for change in [json!({}), json!({"name": "Renamed"})] {
            let (status, changed) = call(&site, Method::PATCH, &path, change).await;
            assert_eq!(status, StatusCode::OK, "{changed}");
            check(&changed);
        }
        let (status, again) = call(&site, Method::POST, "/v1/server/rooms", make).await;
        assert_eq!((status, &again["id"]), (StatusCode::OK, &json!(room)), "{again}");
        check(&again);
        // There is something that could have been told.
        assert_eq!(
            minas.room(&room.to_string()).await.unwrap().last_message.unwrap().message.text,
            "a secret"
        );
    }
}
