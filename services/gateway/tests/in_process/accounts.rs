//! Changed passwords, exports and erasures, by REST, and what sockets at another gateway hear of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use madang_client::{Body, Client, Incoming, NewRoom, Socket, SocketError};
use madang_contract::{EventBody, ServerFrame};
use madang_domain::{Code, Error, Role};
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    auth::{ClientInfo, Grant, Login, Password},
    method::Method as RpcMethod,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Gateway, PASSWORD, PATIENCE, Services, User, within};

const OTHER_PASSWORD: &str = "another long enough password";

/// After the death of the gateway that carries an erasure out another one goes on with it within this: the time for which
/// it is left to the first one, the pause between two looks, and what a busy machine adds.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(40);

async fn sign_in(services: &Services, user: &User) -> Grant {
    let login = Login {
        username: user.profile.username.clone(),
        password: Password::new(PASSWORD.to_owned()),
        client: ClientInfo::default(),
    };
    services.auth.login(login).await.unwrap()
}

async fn call(api: &Client, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let request = api.request(method, path);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
}

/// The code with which a socket is closed.
async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        match socket.next_frame(PATIENCE).await {
            Ok(_) => {}
            Err(SocketError::Closed(close)) => return close.code,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_changed_password_closes_the_sockets_of_the_other_devices() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let mina = services.user("mina").await;
    let other =
        User { profile: Arc::clone(&mina.profile), token: sign_in(&services, &mina).await.access_token };
    let (mut own, mut others) = (gateways[0].socket(&mina).await, gateways[1].socket(&other).await);
    let api = gateways[0].api().with_token(&mina.token);
    let path = "/v1/users/me/password";
    let wrong = json!({"current_password": "not the password", "new_password": OTHER_PASSWORD});
    let (status, refused) = call(&api, Method::PUT, path, Some(&wrong)).await;
    assert_eq!(
        (status, &refused["errors"][0]["pointer"]),
        (StatusCode::FORBIDDEN, &json!("/current_password"))
    );
    let unfit = json!({"current_password": PASSWORD, "new_password": "short"});
    let (status, refused) = call(&api, Method::PUT, path, Some(&unfit)).await;
    assert_eq!(
        (status, &refused["errors"][0]["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("/new_password"))
    );

    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    assert_eq!(call(&api, Method::PUT, path, Some(&change)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(close_code(&mut others).await, 4401);
    let refused = gateways[1].api().with_token(&other.token).me().await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Unauthenticated));
    // The device that changed it goes on.
    own.call(madang_contract::ClientFrame::Ping {}, PATIENCE).await.unwrap();
    api.me().await.unwrap();
    let guest = gateways[1].api();
    assert_eq!(guest.login("mina", PASSWORD).await.unwrap_err().code(), Some(Code::Unauthenticated));
    guest.login("mina", OTHER_PASSWORD).await.unwrap();
}

/// Waits for a profile of that name.
async fn told(socket: &mut Socket, name: &str) {
    let is_it = async {
        loop {
            let frame = socket.next_frame(PATIENCE).await.unwrap();
            if matches!(&frame, Incoming::Frame(ServerFrame::Profile(profile)) if profile.user.name == name) {
                return;
            }
        }
    };
    within(PATIENCE, "the profile", is_it).await;
}

#[tokio::test]
async fn an_erased_user_is_gone_at_every_gateway_and_others_hear_of_it() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    juns.join(room).await.unwrap();
    let sent = minas.send_message(room, "something of mina", None).await.unwrap();
    juns.send_message(room, "@mina, hello", None).await.unwrap();
    let mut of_jun = gateways[1].subscribe(&jun, room).await;
    let mut sockets = [gateways[0].socket(&mina).await, gateways[1].socket(&mina).await];

    assert_eq!(call(&minas, Method::DELETE, "/v1/users/me", None).await.0, StatusCode::ACCEPTED);
    told(&mut of_jun.socket, "deleted user").await;
    let left = of_jun.event(|body| matches!(body, Body::Known(EventBody::Left { .. }))).await;
    let Body::Known(EventBody::Left { left }) = left.body else { panic!("{left:?}") };
    assert_eq!(left.user, mina.profile.id);
    let deleted = of_jun.event(|body| matches!(body, Body::Known(EventBody::Deleted { .. }))).await;
    let Body::Known(EventBody::Deleted { deleted }) = deleted.body else { panic!("{deleted:?}") };
    assert_eq!((deleted.message.to_string(), deleted.by), (sent.id.clone(), mina.profile.id));
    let edited = of_jun.event(|body| matches!(body, Body::Known(EventBody::Edited { .. }))).await;
    let Body::Known(EventBody::Edited { edited }) = edited.body else { panic!("{edited:?}") };
    assert_eq!(edited.text.as_deref(), Some("[deleted user], hello"));
    for socket in &mut sockets {
        assert_eq!(close_code(socket).await, 4401);
    }
    for gateway in &gateways {
        let refused = gateway.api().with_token(&mina.token).me().await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::Unauthenticated));
    }
    assert_eq!(
        juns.room(&room.to_string()).await.unwrap().role,
        Some(Role::Owner),
        "the last owner handed over"
    );
    assert_eq!(juns.user(mina.profile.id).await.unwrap_err().code(), Some(Code::NotFound));
    let guest = gateways[1].api();
    assert_eq!(guest.login("mina", PASSWORD).await.unwrap_err().code(), Some(Code::Unauthenticated));
    let again = guest.register("mina", PASSWORD, None).await.unwrap_err();
    assert_eq!(again.code(), Some(Code::AlreadyExists), "the name rests");
    let listed = juns.messages(room, None, None, None).await.unwrap().items;
    let texts: Vec<(&str, &str)> =
        listed.iter().map(|message| (&*message.text, &*message.sender.name)).collect();
    assert_eq!(texts, [("[deleted user], hello", "jun"), ("", "deleted user")], "newest first");
}

/// Lets so many steps of an erasure pass, and fails the others.
struct StepsLeft(AtomicUsize);

impl<S: Sync> Layer<S> for StepsLeft {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static RpcMethod,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        let take = |left: usize| left.checked_sub(1);
        if method.name == "erase_user"
            && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err()
        {
            return Box::pin(async { Err(Error::unavailable("this gateway is as good as dead")) });
        }
        call(service)
    }
}

#[tokio::test]
async fn an_erasure_is_taken_up_by_another_gateway() {
    let services = Services::start().await;
    let dying: Arc<dyn MessageStore> =
        Arc::new(Around::new(Arc::clone(&services.store), StepsLeft(AtomicUsize::new(2))));
    let dying: Gateway = services.gateway_on(dying).await;
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let minas = dying.api().with_token(&mina.token);
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    dying.api().with_token(&jun.token).join(room).await.unwrap();
    minas.send_message(room, "something of mina", None).await.unwrap();
    assert_eq!(call(&minas, Method::DELETE, "/v1/users/me", None).await.0, StatusCode::ACCEPTED);
    let another = services.gateway().await;
    let juns = another.api().with_token(&jun.token);
    let is_erased = async {
        loop {
            let listed = juns.messages(room, None, None, None).await.unwrap().items;
            if listed.iter().all(|message| message.deleted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    within(TAKEN_UP_WITHIN, "the end of the erasure", is_erased).await;
}

#[tokio::test]
async fn an_export_is_whole_and_the_users_alone() {
    let services = Services::start().await;
    let gateways = [services.gateway().await, services.gateway().await];
    let (mina, jun) = (services.user("mina").await, services.user("jun").await);
    let (minas, juns) = (gateways[0].api().with_token(&mina.token), gateways[1].api().with_token(&jun.token));
    let room = minas.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    juns.join(room).await.unwrap();
    minas.send_message(room, "안녕하세요", None).await.unwrap();
    juns.send_message(room, "@mina, hello", None).await.unwrap();
    let (status, export) = call(&minas, Method::POST, "/v1/users/me/export", None).await;
    assert_eq!(status, StatusCode::CREATED, "{export}");
    let path = format!("/v1/users/me/export/{}", export["id"].as_str().unwrap());
    // Another gateway gives it, too.
    let elsewhere = gateways[1].api().with_token(&mina.token);
    let answer = elsewhere.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let text = answer.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["profile", "room", "message", "notice", "end"]);
    assert_eq!(lines[0]["profile"]["username"], "mina");
    assert_eq!((&lines[1]["room"]["id"], &lines[2]["message"]["text"]), (&json!(room), &json!("안녕하세요")));
    assert_eq!(lines[3]["notice"]["kind"], "mention");

    let (status, refused) = call(&minas, Method::POST, "/v1/users/me/export", None).await;
    assert_eq!((status, &refused["limit"]), (StatusCode::TOO_MANY_REQUESTS, &json!("exports")));
    assert_eq!(call(&juns, Method::GET, &path, None).await.0, StatusCode::NOT_FOUND);
    let nothing = "/v1/users/me/export/0123456789abcdef0123456789abcdef";
    assert_eq!(call(&minas, Method::GET, nothing, None).await.0, StatusCode::NOT_FOUND);
}
