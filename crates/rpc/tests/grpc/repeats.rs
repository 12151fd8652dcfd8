//! A client repeats a call whose service is not reached as the method's line in the table says.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::future::{Ready, ready};
use madang_domain::{Code, ExternalId, IdempotencyKey, Result, RoomName, RoomRef};
use madang_rpc::{
    Auth as _, AuthClient, MessageStore as _, MessageStoreClient, MessageStoreSettings,
    auth::{ClientInfo, GetKeys, RedeemTicket, Token},
    client::RetrySettings,
    store::{Authority, CreateRoom, GetRoom, Leave, NewRoom, Notify, RoomKind},
};
use tonic::{
    body::Body,
    codegen::{Service, http},
};

use crate::scripted::{append, profile, room_id, user_id};

/// A connection that always breaks, and counts the tries.
#[derive(Debug, Clone, Default)]
struct Broken(Arc<AtomicUsize>);

impl Service<http::Request<Body>> for Broken {
    type Response = http::Response<Body>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Err(io::Error::other("the connection broke")))
    }
}

/// How often a client tries a call, which fails.
async fn tries<T: std::fmt::Debug>(broken: &Broken, call: impl Future<Output = Result<T>>) -> usize {
    let before = broken.0.load(Ordering::Relaxed);
    assert_eq!(call.await.unwrap_err().code, Code::Unavailable);
    broken.0.load(Ordering::Relaxed) - before
}

fn create_room(kind: RoomKind, key: Option<&str>, external_id: Option<&str>) -> CreateRoom {
    let room = NewRoom {
        kind,
        name: RoomName::new("마당").unwrap(),
        unnamed: false,
        slug: None,
        external_id: external_id.map(|id| ExternalId::new(id).unwrap()),
        members: vec![profile(2)],
        key: key.map(|key| IdempotencyKey::new(key).unwrap()),
    };
    CreateRoom { actor: profile(1), authority: Authority::User, room }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_repeated_as_its_line_says() {
    let broken = Broken::default();
    let store = || MessageStoreClient::new(broken.clone(), MessageStoreSettings::default());
    let auth = || AuthClient::new(broken.clone());
    let all = usize::try_from(RetrySettings::default().attempts_max).unwrap();
    let room = || RoomRef::Id(room_id(7));

    // Each client is new: a breaker that has opened would count, too.
    let always = [
        tries(&broken, store().get_room(GetRoom { user: Some(user_id(1)), room: room() })).await,
        tries(&broken, auth().get_keys(GetKeys)).await,
        tries(&broken, store().append(append(7, "1"))).await,
    ];
    assert_eq!(always, [all; 3]);
    let never = [
        tries(&broken, store().leave(Leave { actor: profile(1), room: room() })).await,
        tries(
            &broken,
            auth()
                .redeem_ticket(RedeemTicket { ticket: Token::new("ticket"), client: ClientInfo::default() }),
        )
        .await,
    ];
    assert_eq!(never, [1; 2]);

    let created = async |kind, key, id| tries(&broken, store().create_room(create_room(kind, key, id))).await;
    assert_eq!(created(RoomKind::Private, None, None).await, 1);
    assert_eq!(created(RoomKind::Private, Some("key"), None).await, all);
    assert_eq!(created(RoomKind::Private, None, Some("7")).await, all);
    assert_eq!(created(RoomKind::Direct, None, None).await, all);
    let notified = async |key: Option<&str>| {
        let key = key.map(|key| IdempotencyKey::new(key).unwrap());
        tries(&broken, store().notify(Notify { user: profile(1), data: "{}".into(), key })).await
    };
    assert_eq!(notified(None).await, 1);
    assert_eq!(notified(Some("key")).await, all);
}
