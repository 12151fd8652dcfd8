//! Nobody is made a member against their will.

use madang_client::{Client, NewRoom, NoticeOf};
use madang_contract::NoticeBody;
use madang_domain::{AddedBy, Code, Role, RoomId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Services;

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
    assert_eq!(got, json!({"added_by": "shared"}));
    let (status, set) = put(&joons, settings, &json!({"added_by": "nobody"})).await;
    assert_eq!((status, set), (StatusCode::OK, json!({"added_by": "nobody"})));
    let (status, _) = put(&joons, settings, &json!({"added_by": "friends"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let third = minas.create_room(&NewRoom::private("Third", vec![joon.profile.id])).await.unwrap();
    assert_eq!(third.members, 1);
    assert_eq!(invitations(&joons).await[..2], [(third.id, true), (second.id, false)]);
}
