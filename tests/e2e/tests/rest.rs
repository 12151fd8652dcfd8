//! The REST routes: what they answer, page by page.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use madang_client::{Client, NewRoom, Page, RoomMessage};
use madang_domain::{Code, Role, RoomKind, Seq, SessionId};
use madang_e2e::{PATIENCE, Person, Stage, fast_sends, public_room};
use madang_test_kit::ClusterOptions;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let options = || ClusterOptions { gateways: 1, auth: 1, message_store: 1, ..fast_sends() };
    STAGE.get_or_init(|| Stage::start(options())).await
}

/// Sends a request and reads the status and the JSON of whatever comes.
async fn raw(
    api: &Client,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, header::HeaderMap, Value) {
    let mut request = api.request(method, path);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.expect("a body");
    (status, headers, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn is_time(value: &Value) -> bool {
    // RFC 3339 in UTC: 2026-01-01T00:00:00.000Z
    value.as_str().is_some_and(|text| text.ends_with('Z') && text.parse::<madang_domain::Timestamp>().is_ok())
}

#[tokio::test]
async fn registering_and_signing_in() {
    let stage = stage().await;
    let guest = Client::new(&stage.ingress()).unwrap();
    let username = format!("sora-{}", std::process::id());
    let body = json!({"username": username, "password": "a long enough password", "name": "소라"});
    let (status, headers, tokens) = raw(&guest, Method::POST, "/v1/auth/register", Some(body)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(headers[header::CACHE_CONTROL], "no-store", "tokens are for one reader");
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    assert!(tokens["expires_in"].as_u64().is_some_and(|seconds| seconds > 0));

    let body = json!({"username": username.to_uppercase(), "password": "a long enough password"});
    let (status, _, tokens) = raw(&guest, Method::POST, "/v1/auth/login", Some(body)).await;
    assert_eq!(status, StatusCode::OK, "a name is the same in any case");
    let sora = guest.with_token(tokens["access_token"].as_str().unwrap());
    let me = sora.me().await.unwrap();
    assert_eq!((&*me.username, &*me.name, &me.avatar_url), (username.as_str(), "소라", &None));

    let sessions = sora.sessions().await.unwrap().items;
    assert_eq!((sessions.len(), sessions.iter().filter(|session| session.current).count()), (2, 1));
    let nobodys: SessionId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    assert_eq!(sora.revoke_session(nobodys).await.unwrap_err().code(), Some(Code::NotFound));

    let refreshed = sora.refresh(tokens["refresh_token"].as_str().unwrap()).await.unwrap();
    sora.logout(&refreshed.refresh_token).await.unwrap();
    assert_eq!(
        guest.refresh(&refreshed.refresh_token).await.unwrap_err().code(),
        Some(Code::Unauthenticated)
    );
    sora.logout("a token that nobody has").await.expect("an unknown token is no error");
}

#[tokio::test]
async fn profiles() {
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.ingress(), "mina"), Person::register(stage.ingress(), "joon"));
    let changes = json!({"name": "Mina Kim", "avatar_url": "https://example.com/mina.png"});
    let (status, _, me) = raw(&mina.api, Method::PATCH, "/v1/users/me", Some(changes)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&me["name"], &me["avatar_url"]),
        (&json!("Mina Kim"), &json!("https://example.com/mina.png"))
    );
    let seen = joon.api.user(mina.id).await.unwrap();
    assert_eq!((&*seen.name, seen.avatar_url.as_deref()), ("Mina Kim", Some("https://example.com/mina.png")));
    let (_, _, me) = raw(&mina.api, Method::PATCH, "/v1/users/me", Some(json!({"avatar_url": null}))).await;
    assert_eq!((&me["name"], &me["avatar_url"]), (&json!("Mina Kim"), &Value::Null));
    let (status, _, problem) =
        raw(&mina.api, Method::PATCH, "/v1/users/me", Some(json!({"avatar_url": "javascript:alert(1)"})))
            .await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_argument")));
}

#[tokio::test]
async fn rooms_of_each_kind() {
    let stage = stage().await;
    let (mina, joon, sora) = tokio::join!(
        Person::register(stage.ingress(), "mina"),
        Person::register(stage.ingress(), "joon"),
        Person::register(stage.ingress(), "sora"),
    );
    let slug = format!("yard-{}", std::process::id());
    let body = json!({"name": "마당", "kind": "public", "slug": slug});
    let (status, _, room) = raw(&mina.api, Method::POST, "/v1/rooms", Some(body.clone())).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(
        (&room["name"], &room["kind"], &room["slug"]),
        (&json!("마당"), &json!("public"), &json!(slug))
    );
    assert_eq!((&room["role"], &room["unread"]), (&json!("owner"), &json!(0)));
    assert!(is_time(&room["created_at"]), "{room}");
    // By slug or by id, it is the same.
    let by_slug = mina.api.room(&slug).await.unwrap();
    assert_eq!(Some(by_slug.id.to_string().as_str()), room["id"].as_str());
    assert_eq!(mina.api.room(&by_slug.id.to_string()).await.unwrap(), by_slug);
    let (status, _, problem) = raw(&joon.api, Method::POST, "/v1/rooms", Some(body)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("already_exists")));

    // A public room is seen and joined by anybody; twice is once.
    assert_eq!(joon.api.room(&slug).await.unwrap().role, None);
    assert_eq!(joon.api.join(by_slug.id).await.unwrap().role, Some(Role::Member));
    let head = joon.api.join(by_slug.id).await.unwrap().head;
    assert_eq!(head, joon.api.room(&slug).await.unwrap().head, "joining twice is no event");

    // A private one by its members alone.
    let private = mina.api.create_room(&NewRoom::private("Inner", vec![joon.id])).await.unwrap();
    assert_eq!(joon.api.room(&private.id.to_string()).await.unwrap().role, Some(Role::Member));
    let denied = sora.api.room(&private.id.to_string()).await.unwrap_err().code();
    assert!(matches!(denied, Some(Code::PermissionDenied | Code::NotFound)), "{denied:?}");
    let denied = sora.api.join(private.id).await.unwrap_err().code();
    assert!(matches!(denied, Some(Code::PermissionDenied | Code::NotFound)), "{denied:?}");

    // A direct one is made once between two, whoever asks.
    let direct = |peer: &Person| {
        let members = vec![peer.id];
        NewRoom { kind: RoomKind::Direct, ..NewRoom::private("Direct", members) }
    };
    let first = mina.api.create_room(&direct(&joon)).await.unwrap();
    let again = joon.api.create_room(&direct(&mina)).await.unwrap();
    assert_eq!(first.id, again.id);
    // Neither deletes it; each hides it for oneself.
    let path = format!("/v1/rooms/{}", first.id);
    let (status, _, _) = raw(&mina.api, Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let listed = async |person: &Person| {
        person.api.rooms(None, None).await.unwrap().items.iter().any(|room| room.id == first.id)
    };
    assert_eq!((listed(&mina).await, listed(&joon).await), (false, true));
    let lonely = NewRoom { kind: RoomKind::Direct, ..NewRoom::private("Direct", Vec::new()) };
    assert_eq!(mina.api.create_room(&lonely).await.unwrap_err().code(), Some(Code::InvalidArgument));

    // The owner changes it; a member may not.
    let path = format!("/v1/rooms/{}", by_slug.id);
    let (status, _, changed) = raw(&mina.api, Method::PATCH, &path, Some(json!({"name": "뒷마당"}))).await;
    assert_eq!(
        (status, &changed["name"], &changed["slug"]),
        (StatusCode::OK, &json!("뒷마당"), &json!(slug))
    );
    let (status, _, _) = raw(&joon.api, Method::PATCH, &path, Some(json!({"name": "Mine"}))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    joon.api.leave(by_slug.id).await.unwrap();
    assert_eq!(joon.api.room(&slug).await.unwrap().role, None);
    let (status, _, _) = raw(&mina.api, Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(mina.api.room(&slug).await.unwrap_err().code(), Some(Code::NotFound));
}

#[tokio::test]
async fn lists_come_in_pages() {
    const ROOMS: usize = 5;
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let mut made = Vec::new();
    for number in 0..ROOMS {
        made.push(public_room(&mina, &format!("Room {number}"), &[]).await.id);
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = mina.api.rooms(Some(2), cursor.as_deref()).await.unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.iter().map(|room| room.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    // What happened within the last moments may stand on the last page once more.
    seen.dedup();
    made.sort_unstable();
    assert_eq!(seen, made, "each room");

    // The public ones that one is not in yet.
    let joon = Person::register(stage.ingress(), "joon").await;
    let mut public = Vec::new();
    let mut cursor = None;
    loop {
        let page = joon.api.public_rooms(Some(3), cursor.as_deref()).await.unwrap();
        public.extend(page.items.iter().map(|room| room.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert!(
        made.iter().all(|room| public.iter().filter(|id| *id == room).count() == 1),
        "each public room once"
    );
    assert_eq!(joon.api.rooms(None, None).await.unwrap().items, []);
}

#[tokio::test]
async fn members_and_their_roles() {
    let stage = stage().await;
    let (mina, joon, sora) = tokio::join!(
        Person::register(stage.ingress(), "mina"),
        Person::register(stage.ingress(), "joon"),
        Person::register(stage.ingress(), "sora"),
    );
    let room = mina.api.create_room(&NewRoom::private("Inner", Vec::new())).await.unwrap().id;
    let member = mina.api.put_member(room, joon.id, Role::Member).await.unwrap();
    assert_eq!((member.user.id, member.role), (joon.id, Role::Member));
    // A member adds nobody; a moderator does.
    let denied = joon.api.put_member(room, sora.id, Role::Member).await.unwrap_err();
    assert_eq!(denied.code(), Some(Code::PermissionDenied));
    mina.api.put_member(room, joon.id, Role::Moderator).await.unwrap();
    joon.api.put_member(room, sora.id, Role::Member).await.unwrap();
    let denied = joon.api.put_member(room, sora.id, Role::Owner).await.unwrap_err();
    assert_eq!(denied.code(), Some(Code::PermissionDenied), "a moderator makes nobody an owner");

    let mut members = Vec::new();
    let mut cursor = None;
    loop {
        let page = sora.api.members(room, Some(2), cursor.as_deref()).await.unwrap();
        members.extend(page.items.into_iter().map(|member| (member.user.id, member.role)));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected = [(mina.id, Role::Owner), (joon.id, Role::Moderator), (sora.id, Role::Member)];
    assert_eq!(members[..3], expected, "owners first, then by joining");
    // Whose role changed within the last moments may stand on the last page once more.
    assert!(members[3..].iter().all(|member| *member == expected[1]), "{members:?}");

    let denied = sora.api.remove_member(room, joon.id).await.unwrap_err();
    assert_eq!(denied.code(), Some(Code::PermissionDenied));
    joon.api.remove_member(room, sora.id).await.unwrap();
    assert_eq!(
        sora.api.messages(room, None, None, None).await.unwrap_err().code(),
        Some(Code::PermissionDenied)
    );
    mina.api.leave(room).await.unwrap();
    let role = joon.api.room(&room.to_string()).await.unwrap().role;
    assert_eq!(role, Some(Role::Owner), "the moderator succeeds the last owner");
}

#[tokio::test]
async fn messages_and_read_marks() {
    const MESSAGES: u64 = 7;
    let stage = stage().await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.ingress(), "mina"), Person::register(stage.ingress(), "joon"));
    let room = public_room(&mina, "Room", &[&joon]).await.id;
    let path = format!("/v1/rooms/{room}/messages");
    let (status, _, first) =
        raw(&mina.api, Method::POST, &path, Some(json!({"text": "하나", "key": "k1"}))).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(first["id"].is_string() && first["seq"].is_u64() && is_time(&first["at"]), "{first}");
    let reply = json!({"text": "둘", "reply_to": first["id"]});
    let (_, _, second) = raw(&joon.api, Method::POST, &path, Some(reply)).await;
    let mut last = Seq::new(second["seq"].as_u64().unwrap());
    for number in 3..=MESSAGES {
        last = mina.api.send_message(room, &format!("{number}"), None).await.unwrap().seq;
    }

    // Newest first below a place; oldest first above one.
    let newest = mina.api.messages(room, None, None, Some(3)).await.unwrap().items;
    assert_eq!(texts(&newest), ["7", "6", "5"]);
    let before = mina.api.messages(room, Some(newest[2].seq), None, Some(3)).await.unwrap().items;
    assert_eq!(texts(&before), ["4", "3", "둘"]);
    let after =
        mina.api.messages(room, None, Some(Seq::new(first["seq"].as_u64().unwrap())), Some(2)).await.unwrap();
    assert_eq!(texts(&after.items), ["둘", "3"]);
    let all = mina.api.messages(room, None, None, Some(200)).await.unwrap().items;
    assert_eq!(all.len() as u64, MESSAGES);
    let reply = &all[MESSAGES as usize - 2];
    assert_eq!((reply.sender.id, reply.reply_to.as_deref()), (joon.id, first["id"].as_str()));
    assert_eq!(all.last().map(|message| &*message.key), Some("k1"));
    let beyond = mina.api.messages(room, None, Some(last), None).await.unwrap().items;
    assert_eq!(beyond, []);

    // Unread counts what others said after the mark; the mark never moves back.
    let unread =
        |rooms: Page<madang_client::Room>| rooms.items.iter().find(|r| r.id == room).unwrap().clone();
    let view = unread(joon.api.rooms(None, None).await.unwrap());
    assert_eq!(view.last_message.as_ref().map(|message| message.text.as_ref()), Some("7"));
    assert_eq!(view.head, last);
    let mark = joon.api.mark_read(room, newest[1].seq).await.unwrap();
    assert_eq!((mark.read, mark.unread), (newest[1].seq, 1));
    let back = joon.api.mark_read(room, Seq::new(1)).await.unwrap();
    assert_eq!((back.read, back.unread), (newest[1].seq, 1));
    let beyond = joon.api.mark_read(room, Seq::new(1_000_000)).await.unwrap();
    assert_eq!((beyond.read, beyond.unread), (last, 0), "no further than the head");
    assert_eq!(unread(joon.api.rooms(None, None).await.unwrap()).unread, Some(0));
    assert_eq!(
        unread(mina.api.rooms(None, None).await.unwrap()).unread,
        Some(1),
        "joon's, of which she read none"
    );
}

fn texts(messages: &[RoomMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_ref()).collect()
}

#[tokio::test]
async fn a_read_mark_reaches_the_users_other_devices() {
    let stage = stage().await;
    let mina = Person::register(stage.ingress(), "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    let sent = mina.api.send_message(room, "x", None).await.unwrap();
    let mut device = mina.socket_in(&stage.gateway(0), room).await;
    mina.api.mark_read(room, sent.seq).await.unwrap();
    loop {
        let frame = device.next_frame(PATIENCE).await.expect("the read mark");
        if let madang_client::Incoming::Frame(madang_contract::ServerFrame::Read(read)) = frame {
            assert_eq!((read.room, read.user, read.seq), (room, Some(mina.id), Some(sent.seq)));
            break;
        }
    }
}

#[tokio::test]
async fn operations_routes_are_not_public() {
    let stage = stage().await;
    let guest = Client::new(&stage.ingress()).unwrap();
    for path in ["/metrics", "/livez", "/readyz"] {
        let (status, _, _) = raw(&guest, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} through the ingress");
    }
    for service in stage.cluster.services() {
        for path in ["/metrics", "/livez", "/readyz"] {
            let operations = Client::new(&service.ops_url()).unwrap();
            let answer = operations.request(Method::GET, path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path} of {}", service.name());
        }
    }
}
