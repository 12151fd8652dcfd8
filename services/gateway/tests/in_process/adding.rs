//! Nobody is made a member against their will.

use madang_client::{Client, NewRoom, NoticeOf};
use madang_contract::NoticeBody;
use madang_domain::{AddedBy, Code, Role, RoomId};
use madang_gateway::GatewaySettings;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Gateway, Services, User};

async fn put(api: &Client, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = api.request(Method::PUT, path).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// The rooms that the user's inbox invites to, newest first, and whether it waits for an answer.
async fn invitations(api: &Client) -> Vec<(RoomId, bool)> {
    let notices = api.inbox(None, 50).await.unwrap().items;
    let invitation = |body: &NoticeOf| match body {
        NoticeOf::Known(NoticeBody::Invite(invite)) => Some((invite.room, invite.pending)),
        _ => None,
    };
    notices.iter().filter_map(|notice| invitation(&notice.body)).collect()
}

#[tokio::test]
async fn who_shares_no_room_invites_and_the_user_accepts_or_not() {
    let services = Services::start_where_added_by(AddedBy::Shared).await;
    let gateway = services.gateway().await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let (minas, joons) = (gateway.api().with_token(&mina.token), gateway.api().with_token(&joon.token));
    let made = minas.create_room(&NewRoom::private("Yard", vec![joon.profile.id])).await.unwrap();
    assert_eq!(made.members, 1);
    assert_eq!(joons.rooms(None, None).await.unwrap().items, []);
    assert_eq!(invitations(&joons).await, [(made.id, true)]);
    let path = format!("/v1/rooms/{}/members/{}", made.id, joon.profile.id);
    let (status, answer) = put(&minas, &path, &json!({})).await;
    assert_eq!((status, &answer["invited"]), (StatusCode::ACCEPTED, &json!(true)));
    assert_eq!(invitations(&joons).await.len(), 1, "a repeat is no second invitation");

    joons.leave(made.id).await.unwrap();
    assert_eq!(joons.join(made.id).await.unwrap_err().code(), Some(Code::PermissionDenied));
    put(&minas, &path, &json!({})).await;
    assert_eq!(joons.join(made.id).await.unwrap().role, Some(Role::Member));

    // They share a room now: Joon says whether that is enough.
    let second = minas.create_room(&NewRoom::private("Second", vec![joon.profile.id])).await.unwrap();
    assert_eq!(second.members, 2);
    let settings = "/v1/users/me/settings";
    let got: Value = joons.call(joons.request(Method::GET, settings)).await.unwrap();
    assert_eq!((&got["added_by"], &got["do_not_disturb_until"]), (&json!("shared"), &Value::Null));
    let (status, set) = put(&joons, settings, &json!({"added_by": "nobody"})).await;
    // And nothing else has changed.
    let mut expected = got;
    expected["added_by"] = json!("nobody");
    assert_eq!((status, set), (StatusCode::OK, expected));
    let (status, _) = put(&joons, settings, &json!({"added_by": "friends"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let third = minas.create_room(&NewRoom::private("Third", vec![joon.profile.id])).await.unwrap();
    assert_eq!(third.members, 1);
    assert_eq!(invitations(&joons).await[..2], [(third.id, true), (second.id, false)]);
}

/// One user who does more than the rates allow, to fill what another sees first.
#[tokio::test]
async fn one_user_fills_neither_the_inbox_nor_the_list_of_rooms() {
    /// The notices of the first page that tell of one user's additions.
    const TOLD_MAX: usize = 10;
    const ROOMS: usize = 40;
    let services = Services::start_where_added_by(AddedBy::Anyone).await;
    let fast = |settings: &mut GatewaySettings| {
        settings.sends_per_second = 1_000_000;
        settings.sends_burst = 1_000_000;
        // Twice what is usual.
        settings.room_creations_per_minute *= 2;
        settings.member_additions_per_minute *= 2;
    };
    let gateways = [services.gateway_with(fast).await, services.gateway_with(fast).await];
    let [victim, friend, flooder] =
        [services.user("victim").await, services.user("friend").await, services.user("flooder").await];
    let api = |gateway: &Gateway, user: &User| gateway.api().with_token(&user.token);
    let friends = api(&gateways[0], &friend);
    let yard = friends.create_room(&NewRoom::private("Yard", vec![victim.profile.id])).await.unwrap().id;
    friends.send_message(yard, "hello @victim", None).await.unwrap();

    let trap = json!({"name": "Trap", "kind": "private", "members": [victim.profile.id]});
    for number in 0..ROOMS {
        let flooders = api(&gateways[number % 2], &flooder);
        let answer = flooders.request(Method::POST, "/v1/rooms").json(&trap).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let room: Value = answer.json().await.unwrap();
        // Out and in again.
        let path = format!("/v1/rooms/{}/members/{}", room["id"].as_str().unwrap(), victim.profile.id);
        for (method, status) in [(Method::DELETE, StatusCode::NO_CONTENT), (Method::PUT, StatusCode::OK)] {
            let answer = flooders.request(method, &path).json(&json!({})).send().await.unwrap();
            assert_eq!(answer.status(), status);
        }
    }
    let victims = api(&gateways[0], &victim);
    let told: Vec<_> = invitations(&victims).await.into_iter().filter(|(room, _)| *room != yard).collect();
    assert_eq!(told.len(), TOLD_MAX, "of {ROOMS} rooms, and twice in each");
    let first = victims.inbox(None, 50).await.unwrap();
    assert_eq!(first.items.len(), TOLD_MAX + 2, "what the friend has said is on the first page");
    assert_eq!(victims.rooms(None, None).await.unwrap().items[0].id, yard, "and so is the room");
    let (status, _) = put(&victims, "/v1/users/me/settings", &json!({"added_by": "nobody"})).await;
    assert_eq!(status, StatusCode::OK);
    friends.send_message(yard, "@victim, are you there?", None).await.unwrap();
    let newest = &victims.inbox(None, 50).await.unwrap().items[0].body;
    assert!(matches!(newest, NoticeOf::Known(NoticeBody::Mention(_))), "{newest:?}");
}
