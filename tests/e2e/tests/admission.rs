//! A storm at the door: everybody comes at once, and comes in one after another.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::time::Duration;

use futures_util::future::join_all;
use madang_client::{
    Client, ConnectOptions, Incoming, Session, SessionEvent, SessionOptions, Socket, close_code,
};
use madang_contract::ServerFrame;
use madang_e2e::{PATIENCE, Person, Standalone, within};
use madang_test_kit::Program;
use tokio::time::Instant;

/// The admissions in any second, a tenth of which may come at once.
const RATE: u32 = 50;
const BURST: u32 = RATE / 10;
/// The time between two admissions after the burst; a twentieth is kept back.
const INTERVAL: Duration = Duration::from_micros(1_000_000 / (RATE - BURST - RATE / 20) as u64);
/// More than come in at once or wait in place.
const CROWD: u32 = 4 * RATE;

async fn gateway() -> Standalone {
    let rate = RATE.to_string();
    let settings = [("MADANG_ADMISSIONS_PER_SECOND", rate.as_str()), ("MADANG_MAX_USER_SOCKETS", "1000")];
    Standalone::start(Program::AllInOne, &settings).await
}

#[tokio::test]
async fn a_crowd_that_obeys_comes_in_at_the_pace_that_is_set() {
    let madang = gateway().await;
    let base = madang.service.base_url();
    let mina = Person::register(&base, "mina").await;
    let began = Instant::now();
    let come_in = |seed: u32| {
        let options = SessionOptions { seed: Some(u64::from(seed)), ..SessionOptions::default() };
        let (session, mut events) = Session::start(vec![base.clone()], mina.bearer(), options);
        async move {
            let first = events.next().await.expect("no fault");
            assert!(matches!(first, Some(SessionEvent::Connected(_))), "{first:?}");
            // The session stays open with what is returned.
            (began.elapsed(), session, events)
        }
    };
    let mut entered = within(PATIENCE, "everybody to come in", join_all((0..CROWD).map(come_in))).await;
    entered.sort_by_key(|(at, ..)| *at);
    // Whatever delays a client here makes it later, never earlier.
    for (before, (at, ..)) in (0..).zip(&entered) {
        let earliest = INTERVAL.saturating_mul(u32::saturating_sub(before, BURST));
        assert!(*at >= earliest, "number {before} came in after {at:?}, before {earliest:?}");
    }
    assert_eq!(
        metric(&madang, r#"madang_gateway_admissions_total{outcome="admitted"}"#).await,
        u64::from(CROWD)
    );
    let deferred = metric(&madang, r#"madang_gateway_admissions_total{outcome="deferred"}"#).await;
    // A second's worth waits in place; the others come twice, and few of them once more.
    assert!((1..2 * u64::from(CROWD)).contains(&deferred), "{deferred} times somebody was sent away");
}

#[tokio::test]
async fn each_who_is_sent_away_is_told_a_time_of_its_own() {
    let madang = gateway().await;
    let base = madang.service.base_url();
    let mina = Person::register(&base, "mina").await;
    let come = |_: u32| async {
        let opened = Socket::connect(&base, &mina.bearer(), &ConnectOptions::default()).await;
        let mut socket = opened.expect("a handshake");
        match socket.next_frame(PATIENCE).await.expect("a frame") {
            Incoming::Frame(ServerFrame::Hello(_)) => None,
            Incoming::Frame(ServerFrame::Reconnect(reconnect)) => {
                let close = socket.closed(PATIENCE).await.expect("a close");
                assert_eq!(close.code, close_code::RESTART, "{close}");
                Some(Duration::from_millis(reconnect.after_ms))
            }
            other => panic!("neither in nor told when to come back: {other:?}"),
        }
    };
    let mut told: Vec<_> = join_all((0..CROWD).map(come)).await.into_iter().flatten().collect();
    told.sort();
    // As the first left the last had come, so that what they were told are points of one line.
    let spread = told.last().zip(told.first()).map_or(Duration::ZERO, |(last, first)| *last - *first);
    let turns = told.len() as u32 - 1;
    assert!(spread >= INTERVAL.mul_f64(0.5) * turns, "{turns} turns within {spread:?}");
}

/// A number among the metrics.
async fn metric(madang: &Standalone, name: &str) -> u64 {
    let client = Client::new(&madang.service.base_url()).expect("an address");
    let answer = client.request(reqwest::Method::GET, "/metrics").send().await.expect("the metrics");
    let text = answer.text().await.expect("text");
    let line =
        text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}
