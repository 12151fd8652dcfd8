//! What moderators do in a room, over two gateways: a link, slow mode, a mute, a ban, and what newcomers see.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use madang_client::{Body, RoomEvent};
use madang_contract::{
    EventBody,
    rest::{Invitation, Room},
};
use madang_domain::{Code, Seq};
use madang_e2e::{PATIENCE, Person, Stage, fast_sends, public_room};
use reqwest::Method;
use serde_json::{Value, json};

async fn call(person: &Person, method: Method, path: &str, body: &Value) -> Result<(), Option<Code>> {
    let request = person.api.request(method, path).json(body);
    person.api.call_for_nothing(request).await.map_err(|error| error.code())
}

async fn answer<T: serde::de::DeserializeOwned>(
    person: &Person,
    method: Method,
    path: &str,
    body: &Value,
) -> T {
    person.api.call(person.api.request(method, path).json(body)).await.expect("an answer")
}

fn is_banned(event: &RoomEvent, user: madang_domain::UserId) -> bool {
    matches!(&event.body, Body::Known(EventBody::Banned { banned }) if banned.user == user && banned.on)
}

#[tokio::test]
async fn a_room_is_moderated_over_two_gateways() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon) =
        (Person::register(stage.gateway(0), "mina").await, Person::register(stage.gateway(1), "joon").await);
    let hana = Person::register(stage.gateway(1), "hana").await;
    let room = public_room(&mina, "Yard", &[&joon]).await.id;
    let path = format!("/v1/rooms/{room}");
    let of_joon = |what: &str| format!("{path}/members/{}/{what}", joon.id);
    let send = async |person: &Person, text: &str| {
        person.api.send_message(room, text, None).await.map_err(|error| error.code())
    };
    send(&mina, "before").await.expect("a message");
    let listener = mina.listen(vec![stage.gateway(0)], room).await;
    let of_other = joon.listen(vec![stage.gateway(1)], room).await;

    // Slow mode, set at one gateway, holds at the other.
    let shown: Room<'static> = answer(&mina, Method::PATCH, &path, &json!({"slow_mode_s": 600})).await;
    assert_eq!(shown.flags.slow_mode_s, 600);
    send(&joon, "one").await.expect("a message");
    assert_eq!(send(&joon, "two").await.map(drop), Err(Some(Code::RateLimited)));
    send(&mina, "by a moderator").await.expect("a message");
    let _: Room<'static> = answer(&mina, Method::PATCH, &path, &json!({"slow_mode_s": 0})).await;

    // A mute, and its end.
    call(&mina, Method::POST, &of_joon("mute"), &json!({"reason": "a pause"})).await.expect("a mute");
    assert_eq!(send(&joon, "two").await.map(drop), Err(Some(Code::PermissionDenied)));
    call(&mina, Method::DELETE, &of_joon("mute"), &json!({})).await.expect("its end");
    let sent = send(&joon, "two").await.expect("a message");
    listener.until_seq(PATIENCE, sent.seq).await;

    // A ban: the user's subscription at the other gateway ends with the membership, and no way leads back.
    call(&mina, Method::POST, &of_joon("ban"), &json!({"reason": "spam"})).await.expect("a ban");
    let is_it = |event: &RoomEvent| is_banned(event, joon.id);
    listener.until(PATIENCE, "the ban", |heard| heard.events.iter().any(is_it)).await;
    let has_left = |event: &RoomEvent| matches!(&event.body, Body::Known(EventBody::Left { left }) if left.user == joon.id);
    of_other.until(PATIENCE, "the end", |heard| heard.events.iter().any(has_left)).await;
    let made: Invitation<'static> =
        answer(&mina, Method::POST, &format!("{path}/invitations"), &json!({"uses": 1})).await;
    let accept = format!("/v1/invitations/{}", made.code.as_deref().expect("a code"));
    assert_eq!(call(&joon, Method::POST, &accept, &json!({})).await, Err(Some(Code::PermissionDenied)));
    let joined = joon.api.join(room).await;
    assert_eq!(joined.map(drop).map_err(|error| error.code()), Err(Some(Code::PermissionDenied)));

    // A newcomer comes by the link, and sees what is said from then on.
    let _: Room<'static> = answer(&mina, Method::PATCH, &path, &json!({"history": "joined"})).await;
    call(&hana, Method::POST, &accept, &json!({})).await.expect("the room");
    let last = send(&mina, "after").await.expect("a message").seq;
    let listed = hana.api.messages(room, None, None, None).await.expect("messages").items;
    assert_eq!(listed.iter().map(|item| &*item.text).collect::<Vec<_>>(), ["after"]);

    // The log of the others has no gap, and the banned user heard nothing after the end.
    listener.until_seq(PATIENCE, last).await;
    listener.assert_whole(Seq::START, last);
    let heard = of_other.heard();
    let end = heard.events.iter().find(|event| has_left(event)).expect("the end").seq;
    assert!(heard.events.iter().all(|event| event.seq <= end), "{:?}", heard.events);
}
