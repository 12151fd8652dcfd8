//! The site's backend disconnects a user.

use std::time::Duration;

use madang_client::{Client, ConnectOptions, Credential, Socket, close_code};
use madang_domain::Code;
use madang_e2e::{Backend, CUT_OFF, PATIENCE, Person, eventually, site_token, undated_site_token};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::{code, stage};

#[tokio::test]
async fn who_is_disconnected_is_gone_from_every_gateway_within_a_second() {
    const TRIES: u32 = 12;
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "tickets"]).await;
    let gateways = [stage.gateway(0), stage.gateway(1)];
    let mut slowest = Duration::ZERO;
    for n in 0..TRIES {
        let user = 1_000 + u64::from(n);
        let token = site_token(user, &json!({}));
        let bystander = site_token(user + 500, &json!({}));
        let ticket_path = format!("/users/ext:{user}/ws-ticket");
        let mut sockets = Vec::new();
        for base in &gateways {
            let bearer = Credential::Bearer(token.clone());
            let (socket, _) =
                Socket::open(base, &bearer, &ConnectOptions::default()).await.expect("a socket");
            sockets.push(socket);
        }
        let by_ticket = site.call(Method::POST, &ticket_path, &json!({})).await.unwrap();
        let by_ticket = Credential::Ticket(by_ticket["ticket"].as_str().unwrap().to_owned());
        let opened = Socket::open(&gateways[1], &by_ticket, &ConnectOptions::default()).await;
        sockets.push(opened.expect("a socket by ticket").0);
        let unused = site.call(Method::POST, &ticket_path, &json!({})).await.unwrap();
        let stays = Credential::Bearer(bystander);
        let (mut stays, _) =
            Socket::open(&gateways[1], &stays, &ConnectOptions::default()).await.expect("a socket");

        let disconnected = Instant::now();
        let path = format!("/users/ext:{user}/disconnect");
        let answer = site.call_for_nothing(Method::POST, &path);
        let closes = async {
            for socket in &mut sockets {
                let close = socket.closed(PATIENCE).await.expect("a close");
                assert_eq!(close.code, close_code::UNAUTHENTICATED, "{close}");
            }
            disconnected.elapsed()
        };
        // The sockets do not wait for the answer, which comes when the second is over.
        let (answer, took) = tokio::join!(answer, closes);
        answer.unwrap();
        // A token that is made now, as after a change of the password, is as good as ever.
        let later = site_token(user, &json!({}));
        slowest = slowest.max(took);
        // Nothing that let the user in until then does so any more, and nobody else has noticed.
        let unused = Credential::Ticket(unused["ticket"].as_str().unwrap().to_owned());
        for (credential, why) in [(Credential::Bearer(token), "a token"), (unused, "a ticket")] {
            for base in &gateways {
                let refused = Socket::open(base, &credential, &ConnectOptions::default()).await;
                let refused = refused.expect_err(why);
                assert_eq!(
                    refused.close().map(|close| close.code),
                    Some(close_code::UNAUTHENTICATED),
                    "{why}"
                );
            }
        }
        stays.call(madang_contract::ClientFrame::Ping {}, PATIENCE).await.expect("the bystander's socket");
        for base in &gateways {
            let later = Credential::Bearer(later.clone());
            Socket::open(base, &later, &ConnectOptions::default()).await.expect("with a new token");
        }
    }
    println!("the slowest of {TRIES} disconnections took {slowest:?}");
    assert!(slowest <= CUT_OFF, "the slowest of {TRIES} took {slowest:?}");
}

#[tokio::test]
async fn a_disconnected_account_of_this_chat_signs_in_again() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users"]).await;
    let joon = Person::register(stage.ingress(), "joon").await;
    let mut socket = joon.socket(&stage.gateway(1)).await;
    site.call_for_nothing(Method::POST, &format!("/users/{}/disconnect", joon.id)).await.unwrap();
    let close = socket.closed(PATIENCE).await.expect("a close");
    assert_eq!(close.code, close_code::UNAUTHENTICATED);
    let guest = Client::new(&stage.ingress()).unwrap();
    assert_eq!(code(guest.refresh(&joon.grant.refresh_token).await), Some(Code::Unauthenticated));
    // At once, within the same second: what is new is good.
    let again = guest.login(&joon.username, joon.password()).await.unwrap();
    guest.with_token(&again.access_token).me().await.unwrap();
}

#[tokio::test]
async fn a_token_without_a_time_is_refused_after_a_disconnection_and_says_why() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users"]).await;
    let user = 3_000;
    let undated = undated_site_token(user);
    let rest = Client::new(&stage.gateway(0)).unwrap().with_token(&undated);
    rest.me().await.expect("good until the user is disconnected");
    site.call_for_nothing(Method::POST, &format!("/users/ext:{user}/disconnect")).await.unwrap();
    eventually(PATIENCE, "the disconnection", async || rest.me().await.is_err().then_some(())).await;
    let refused = rest.me().await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Unauthenticated));
    let problem = refused.problem().expect("a problem").detail.to_string();
    assert!(problem.contains("iat"), "{problem}");
}
