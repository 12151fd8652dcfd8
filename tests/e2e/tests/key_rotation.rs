//! Signing keys are replaced while everybody goes on.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use madang_client::{Client, ConnectOptions, Credential, Incoming, Socket};
use madang_contract::{ClientFrame, ServerFrame};
use madang_e2e::{PATIENCE, Person, Stage, eventually, fast_sends};
use madang_test_kit::{ClusterOptions, Program};

/// How long a key is published before it signs. A gateway looks for an unknown key at most once in 5 s, and fetches all
/// keys once a minute: what comes sooner is known by looking for it.
const OVERLAP_SECONDS: &str = "4";
const PEOPLE: usize = 6;
const ROTATIONS: usize = 2;
/// From the rotation to the first token of the new key, and until a gateway looks for the next one.
const ROTATED_WITHIN: Duration = Duration::from_secs(20);

/// What everybody saw.
#[derive(Default)]
struct Seen {
    kids: Mutex<BTreeSet<String>>,
    failures: Mutex<Vec<String>>,
    rounds: AtomicU64,
    stop: AtomicBool,
}

impl Seen {
    fn kids(&self) -> usize {
        self.kids.lock().expect("the ids of the keys").len()
    }

    fn note<T, E: std::fmt::Display>(&self, what: &str, outcome: Result<T, E>) -> Option<T> {
        outcome.map_err(|error| self.failures.lock().expect("failures").push(format!("{what}: {error}"))).ok()
    }
}

/// Renews the session, calls each gateway, and opens a socket at each; again and again. Whatever fails is noted.
async fn go_on(person: Person, bases: Vec<String>, seen: Arc<Seen>) {
    let mut grant = person.grant.clone();
    while !seen.stop.load(Ordering::Relaxed) {
        for base in &bases {
            let guest = Client::new(base).expect("an address of the stage");
            let Some(renewed) = seen.note("a refresh", guest.refresh(&grant.refresh_token).await) else {
                return;
            };
            grant = renewed;
            let kid = jsonwebtoken::decode_header(&grant.access_token).expect("a token").kid.expect("a key");
            seen.kids.lock().expect("the ids of the keys").insert(kid);
            for base in &bases {
                let api = Client::new(base).expect("an address of the stage").with_token(&grant.access_token);
                seen.note("a call", api.me().await);
                let credential = Credential::Bearer(grant.access_token.clone());
                let opened = Socket::open(base, &credential, &ConnectOptions::default()).await;
                if let Some((mut socket, _)) = seen.note("a socket", opened) {
                    let pong = socket.call(ClientFrame::Ping {}, PATIENCE).await;
                    assert!(matches!(pong, Ok(Incoming::Frame(ServerFrame::Pong(_)))), "{pong:?}");
                    socket.close().await;
                }
            }
        }
        seen.rounds.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_rotation_of_keys_under_load_fails_nobody() {
    let options = ClusterOptions { nginx: false, ..fast_sends() }
        .with_setting(Program::Gateway, "MADANG_MAX_USER_SOCKETS", "1000000")
        .with_setting(Program::Auth, "MADANG_AUTH_KEY_OVERLAP_SECONDS", OVERLAP_SECONDS);
    let stage = Stage::start(options).await;
    let bases = vec![stage.gateway(0), stage.gateway(1)];
    let seen = Arc::new(Seen::default());
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Person::register(bases[number % 2].clone(), "mina").await);
    }
    let going: Vec<_> = people
        .iter()
        .map(|person| tokio::spawn(go_on(person.clone(), bases.clone(), Arc::clone(&seen))))
        .collect();
    eventually(PATIENCE, "the first key", async || (seen.kids() == 1).then_some(())).await;
    for rotation in 1..=ROTATIONS {
        stage.rotate_signing_key(OVERLAP_SECONDS).await;
        let what = format!("tokens of key {}", rotation + 1);
        eventually(ROTATED_WITHIN, &what, async || (seen.kids() > rotation).then_some(())).await;
        let rounds = seen.rounds.load(Ordering::Relaxed);
        let more = rounds + 2 * PEOPLE as u64;
        let done = async || (seen.rounds.load(Ordering::Relaxed) >= more).then_some(());
        eventually(ROTATED_WITHIN, "everybody twice with it", done).await;
    }
    seen.stop.store(true, Ordering::Relaxed);
    for one in going {
        one.await.expect("nobody gave up");
    }
    let failures = std::mem::take(&mut *seen.failures.lock().expect("failures"));
    assert!(
        failures.is_empty(),
        "{} of {} rounds: {failures:?}",
        failures.len(),
        seen.rounds.load(Ordering::Relaxed)
    );
    // Tokens of the first key are good for as long as they say.
    for (person, base) in people.iter().zip(bases.iter().cycle()) {
        person.at(base).me().await.expect("the token of before the rotations");
    }
}
