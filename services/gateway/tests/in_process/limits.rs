//! The caller's limits, as `GET /v1/limits` tells them.

use std::collections::BTreeMap;

use madang_client::NewRoom;
use madang_contract::rest::{CallerLimit, CallerLimits, LimitRate};
use madang_domain::Limit;
use madang_gateway::GatewaySettings;
use reqwest::{Method, StatusCode};

use crate::support::{Gateway, Services, User};

/// Limits that are not the caller's, and why.
const NOT_TOLD: [(Limit, &str); 9] = [
    (Limit::SlowMode, "each room says its own"),
    (Limit::ServerCalls, "of an API key"),
    (Limit::UnknownApiKeys, "of all"),
    (Limit::WaitingPasswords, "of all"),
    (Limit::AddressSignIns, "before somebody is signed in"),
    (Limit::AccountSignIns, "before somebody is signed in"),
    (Limit::AddressRegistrations, "before somebody is signed in"),
    (Limit::SessionRefreshes, "of a session, counted by auth"),
    (Limit::AddressUnknownCredentials, "before somebody is signed in"),
];

async fn limits(gateway: &Gateway, user: &User) -> CallerLimits<'static> {
    let request = gateway.api().with_token(&user.token).request(Method::GET, "/v1/limits");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// What is left of each limit that is counted.
async fn left(gateway: &Gateway, user: &User) -> BTreeMap<String, f64> {
    let counted = |limit: CallerLimit<'static>| Some((limit.limit.into_owned(), limit.left?));
    limits(gateway, user).await.limits.into_iter().filter_map(counted).collect()
}

#[tokio::test]
async fn every_limit_is_told_or_is_not_the_caller_s() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let told = limits(&gateway, &mina).await;
    for limit in Limit::ALL {
        let is_told = told.limits.iter().any(|told| told.limit == limit.as_str());
        let why = NOT_TOLD.iter().find(|(other, _)| *other == limit).map(|(_, why)| why);
        assert!(is_told == why.is_none(), "{limit:?}: told {is_told}, {why:?}");
    }
    let of = |name: &str| told.limits.iter().find(|told| told.limit == name).unwrap();
    let per_second = |count| Some(LimitRate { count, seconds: 1 });
    assert_eq!((of("user_sends").rate, of("user_sends").burst), (per_second(20), 40));
    assert_eq!((of("room_sends").rate, of("room_sends").left), (per_second(200), None));
    assert_eq!(of("room_creations").rate, Some(LimitRate { count: 6, seconds: 60 }));
    assert_eq!(of("exports").rate, Some(LimitRate { count: 1, seconds: 3_600 }));
    assert_eq!((of("user_uploads").rate, of("user_uploads").left), (None, Some(4.0)));
    assert_eq!((told.bounds.text_chars, told.bounds.replay_events), (4_000, 500));
}

/// What a user does is missing afterwards, in the units that the documents name, and to ask for it is a read alone.
#[tokio::test]
async fn what_is_left_falls_with_what_is_done_and_not_with_the_question() {
    let services = Services::start().await;
    // What is used does not come back meanwhile.
    let slow = |settings: &mut GatewaySettings| {
        (settings.sends_per_second, settings.reads_per_second) = (1, 1);
        (settings.room_creations_per_minute, settings.address_sends_per_second) = (1, 1);
    };
    let gateway = services.gateway_with(slow).await;
    let (mina, joon) = (services.user("mina").await, services.user("joon").await);
    let before = left(&gateway, &mina).await;
    assert_eq!((before["user_sends"], before["room_creations"], before["address_sends"]), (40.0, 4.0, 2.0));
    for _ in 0..9 {
        left(&gateway, &mina).await;
    }
    let asked = left(&gateway, &mina).await;
    assert!(asked["user_reads"] <= before["user_reads"] - 8.0, "{asked:?}");
    for (limit, left) in &asked {
        assert!(limit.ends_with("_reads") || *left == before[limit], "{limit}: {left}, {before:?}");
    }
    let api = gateway.api().with_token(&mina.token);
    api.create_room(&NewRoom::public("Yard")).await.unwrap();
    let after = left(&gateway, &mina).await;
    // A room costs four messages, of which one may have come back.
    assert!((36.0..39.0).contains(&after["user_sends"]), "{after:?}");
    assert!((3.0..3.5).contains(&after["room_creations"]), "{after:?}");
    assert!(after["address_sends"] < 0.5, "the address owes what is beyond two: {after:?}");
    let of_joon = left(&gateway, &joon).await;
    assert_eq!(of_joon["user_sends"], 40.0, "another user has all");
    assert!(of_joon["address_sends"] < 0.5, "but shares the address: {of_joon:?}");
    let socket = gateway.socket(&joon).await;
    assert_eq!(left(&gateway, &joon).await["user_sockets"], of_joon["user_sockets"] - 1.0);
    drop(socket);
}
