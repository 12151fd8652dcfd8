//! Rooms by their names: what was looked up a moment ago is not looked up again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use madang_client::{Incoming, NewRoom};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe, SubscribedRoom};
use madang_domain::Code;
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    method::Method as Rpc,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Gateway, PATIENCE, Services, User};

/// Counts how often the store is asked what names mean.
#[derive(Clone, Default)]
struct LookUps(Arc<AtomicUsize>);

impl<S: Sync> Layer<S> for LookUps {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Rpc,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        if method.name == "resolve" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        call(service)
    }
}

async fn gateway(services: &Services) -> (Gateway, LookUps) {
    let look_ups = LookUps::default();
    let store = Arc::new(Around::new(Arc::clone(&services.store), look_ups.clone()));
    (services.gateway_on(store as Arc<dyn MessageStore>).await, look_ups)
}

async fn send(gateway: &Gateway, user: &User, room: &str) -> (StatusCode, Value) {
    let api = gateway.api().with_token(&user.token);
    let sent = api
        .request(Method::POST, &format!("/v1/rooms/{room}/messages"))
        .json(&json!({"text": "hello"}))
        .send()
        .await
        .unwrap();
    (sent.status(), sent.json().await.unwrap())
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_all_who_use_it() {
    let services = Services::start().await;
    let (gateway, look_ups) = gateway(&services).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let yard = NewRoom::public("Yard").slug("yard");
    let room = gateway.api().with_token(&mina.token).create_room(&yard).await.unwrap().id;
    gateway.api().with_token(&joon.token).join(room).await.unwrap();
    for user in [&mina, &joon, &mina] {
        assert_eq!(send(&gateway, user, "yard").await.1["room"], json!(room));
        let mut socket = gateway.socket(user).await;
        let yard = RoomSince { room: "yard".parse().unwrap(), since: None, epoch: None };
        let frame = ClientFrame::Subscribe(Subscribe { rooms: vec![yard], ..Subscribe::default() });
        let answer = socket.call(frame, PATIENCE).await.unwrap();
        let Incoming::Frame(ServerFrame::Subscribed(subscribed)) = answer else { panic!("{answer:?}") };
        assert!(
            matches!(subscribed.rooms[..], [SubscribedRoom::Open { room: opened, .. }] if opened == room)
        );
    }
    assert_eq!(look_ups.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_room_that_gets_another_slug_is_not_found_by_its_former_one() {
    let services = Services::start().await;
    let (gateway, _) = gateway(&services).await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Yard").slug("yard")).await.unwrap().id;
    assert_eq!(send(&gateway, &mina, "yard").await.0, StatusCode::CREATED);
    let change = api.request(Method::PATCH, &format!("/v1/rooms/{room}")).json(&json!({"slug": "garden"}));
    let _: Value = api.call(change).await.unwrap();
    let (status, problem) = send(&gateway, &mina, "yard").await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!(Code::NotFound.as_str())));
    assert_eq!(send(&gateway, &mina, "garden").await.1["room"], json!(room));
}

#[tokio::test]
async fn a_room_that_is_not_there_is_looked_up_each_time() {
    let services = Services::start().await;
    let (gateway, _) = gateway(&services).await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    assert_eq!(send(&gateway, &mina, "yard").await.0, StatusCode::NOT_FOUND);
    let room = api.create_room(&NewRoom::public("Yard").slug("yard")).await.unwrap().id;
    assert_eq!(send(&gateway, &mina, "yard").await.1["room"], json!(room));
}
