//! A server that is killed, that hangs, that comes back.

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, RoomRef, Seq};
use madang_rpc::{
    Auth, AuthClient, MessageStore, MessageStoreClient, MessageStoreSettings,
    auth::{ClientInfo, GetKeys, Logout, RedeemTicket, Token},
    client::{CallSettings, RetrySettings},
    store::{Heads, Join},
};
use tokio::time::Instant;

use crate::{
    scripted::{Script, Scripted, append, profile, room_id},
    served::Served,
};

/// Pauses long enough for a test to restart a server in the first of them.
fn patient() -> CallSettings {
    let retry = RetrySettings {
        pause_base: Duration::from_millis(500),
        pause_max: Duration::from_millis(500),
        random: || 1.0,
        ..RetrySettings::default()
    };
    CallSettings { retry, ..CallSettings::default() }
}

#[tokio::test]
async fn a_killed_server_is_unavailable_and_one_that_returns_is_used_again() {
    let service = Arc::new(Scripted::default());
    let served = Served::new(&service);
    let address = served.address();
    let auth = AuthClient::new(served.channel());
    let store = MessageStoreClient::new(served.channel(), MessageStoreSettings::default());
    auth.get_keys(GetKeys).await.unwrap();
    store.append(append(7, "1")).await.unwrap();

    served.kill().await;
    let began = Instant::now();
    for error in [
        auth.get_keys(GetKeys).await.unwrap_err(),
        auth.redeem_ticket(RedeemTicket { ticket: Token::new("ticket"), client: ClientInfo::default() })
            .await
            .unwrap_err(),
        store.append(append(7, "2")).await.unwrap_err(),
    ] {
        assert_eq!(error.code, Code::Unavailable, "{error:?}");
        assert!(error.retry_after.is_some());
    }
    assert!(began.elapsed() < Duration::from_secs(5));

    let _served = Served::at(address, &service);
    assert_eq!(store.append(append(7, "3")).await.unwrap().seq, Seq::new(3));
    auth.get_keys(GetKeys).await.unwrap();
}

#[tokio::test]
async fn a_read_cut_off_by_a_restart_is_repeated() {
    let service = Arc::new(Script::gated());
    let served = Served::new(&service);
    let address = served.address();
    let settings = MessageStoreSettings { call: patient(), ..MessageStoreSettings::default() };
    let store = Arc::new(MessageStoreClient::new(served.channel(), settings));
    let reading = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.heads(Heads { topics: vec![room_id(7).into()] }).await })
    };
    service.held.notified().await;
    served.kill().await;

    let served = Served::at(address, &Arc::new(Scripted::default()));
    assert_eq!(reading.await.unwrap().unwrap(), [(room_id(7).into(), Seq::new(6))]);
    assert_eq!(served.rpcs(), 1);
}

#[tokio::test]
async fn a_change_cut_off_by_a_restart_is_not_repeated() {
    let service = Arc::new(Script::gated());
    let served = Served::new(&service);
    let address = served.address();
    let settings = MessageStoreSettings { call: patient(), ..MessageStoreSettings::default() };
    let store = Arc::new(MessageStoreClient::new(served.channel(), settings));
    let joining = {
        let store = Arc::clone(&store);
        tokio::spawn(
            async move { store.join(Join { actor: profile(1), room: RoomRef::Id(room_id(7)) }).await },
        )
    };
    service.held.notified().await;
    served.kill().await;

    let served = Served::at(address, &Arc::new(Scripted::default()));
    let error = joining.await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::Unavailable, "{error:?}");
    assert_eq!(served.rpcs(), 0);
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_deadline_and_no_more() {
    let service = Arc::new(Script::gated());
    let served = Served::new(&service);
    let settings = CallSettings { timeout_max: Duration::from_millis(200), ..CallSettings::default() };
    let auth = AuthClient::with_settings(served.channel(), settings);
    let began = Instant::now();
    let error = auth.get_keys(GetKeys).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded, "{error:?}");
    assert!(began.elapsed() >= Duration::from_millis(190));
    assert_eq!(service.calls().len(), 1);

    // It was that call alone: another on the same connection is served.
    auth.logout(Logout { refresh_token: Token::new("token"), client: ClientInfo::default() }).await.unwrap();
}

#[tokio::test]
async fn a_defect_of_the_service_is_an_error_and_not_silence() {
    let served = Served::new(&Arc::new(Scripted::default()));
    let store = MessageStoreClient::new(served.channel(), MessageStoreSettings::default());
    let error = store.append(append(7, "500")).await.unwrap_err();
    assert!(matches!(error.code, Code::Unavailable | Code::Internal), "{error:?}");
    assert_eq!(store.append(append(7, "1")).await.unwrap().seq, Seq::new(1));
}
