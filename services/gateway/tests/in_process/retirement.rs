//! Sockets that are old are told to reconnect, a few at a time, and their clients lose nothing by it.

use std::time::Duration;

use futures_util::future::join_all;
use madang_client::{
    Credential, Incoming, NewRoom, Session, SessionEvent, SessionOptions, Socket, SocketError, close_code,
};
use madang_contract::ServerFrame;
use madang_domain::{Cursor, Seq};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Gateway, PATIENCE, Services, User, within};

/// The least that can be set. It is a tenth more or less, and the registry looks each second.
const AGE: Duration = Duration::from_secs(1);
const YOUNGEST: Duration = Duration::from_millis(900);

/// Waits for the end of a socket; answers what was announced before, and the close code.
async fn ended(mut socket: Socket) -> (Option<(u64, String)>, u16) {
    let mut announced = None;
    loop {
        match socket.next_frame(PATIENCE).await {
            Ok(Incoming::Frame(ServerFrame::Reconnect(reconnect))) => {
                announced = Some((reconnect.after_ms, reconnect.reason.to_string()));
            }
            Ok(_) => {}
            Err(SocketError::Closed(close)) => return (announced, close.code),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn an_old_socket_is_told_to_reconnect_at_once() {
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.max_socket_age_seconds = AGE.as_secs()).await;
    let mina = services.user("mina").await;
    let opened = Instant::now();
    let socket = gateway.socket(&mina).await;
    let (announced, code) = ended(socket).await;
    assert_eq!(announced, Some((0, "old".to_owned())));
    assert_eq!(code, close_code::RESTART);
    assert!(opened.elapsed() >= YOUNGEST, "{:?}", opened.elapsed());
    assert_eq!(gateway.metric(r#"madang_gateway_closed_total{reason="old"}"#), 1);
}

#[tokio::test]
async fn without_a_bound_on_the_age_sockets_stay() {
    let services = Services::start().await;
    let (bounded, free) = tokio::join!(
        services.gateway_with(|settings| settings.max_socket_age_seconds = AGE.as_secs()),
        services.gateway()
    );
    let mina = services.user("mina").await;
    let stays = free.socket(&mina).await;
    // As long as it takes where there is a bound.
    ended(bounded.socket(&mina).await).await;
    let told = timeout(AGE, ended(stays)).await;
    assert!(told.is_err(), "{told:?}");
}

#[tokio::test]
async fn old_sockets_go_a_few_at_a_time() {
    const SOCKETS: u32 = 30;
    const A_SECOND: u32 = 10;
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.max_socket_age_seconds = AGE.as_secs();
            settings.retirements_per_second = A_SECOND;
        })
        .await;
    let mina = services.user("mina").await;
    let sockets = join_all((0..SOCKETS).map(|_| gateway.socket(&mina))).await;
    let ends = sockets.into_iter().map(|socket| async {
        ended(socket).await;
        Instant::now()
    });
    let mut ends = within(PATIENCE, "the ends", join_all(ends)).await;
    ends.sort_unstable();
    // Between the first of eleven and the last of them a second passes, but for what a busy machine hears late.
    for eleven in ends.windows(A_SECOND as usize + 1) {
        let took = eleven[A_SECOND as usize] - eleven[0];
        assert!(took >= Duration::from_millis(800), "{took:?}");
    }
}

/// Somebody's session at all of these gateways, which listens to a room from its beginning.
async fn listen(
    bases: Vec<String>,
    user: &User,
    room: madang_domain::RoomId,
) -> (Session, tokio::task::JoinHandle<(Vec<u64>, usize)>) {
    let (session, mut events) =
        Session::start(bases, Credential::Bearer(user.token.clone()), SessionOptions::default());
    session.subscribe(room, Some(Cursor { seq: Seq::START, epoch: None })).await.unwrap();
    let hearing = tokio::spawn(async move {
        let (mut heard, mut connections) = (Vec::new(), 0);
        loop {
            match events.next().await {
                Ok(Some(SessionEvent::Event(event))) => heard.push(event.seq.get()),
                Ok(Some(SessionEvent::Connected(_))) => connections += 1,
                Ok(Some(_)) => {}
                Ok(None) => return (heard, connections),
                Err(fault) => panic!("{fault}"),
            }
        }
    });
    (session, hearing)
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_out_of_order_while_sockets_are_retired() {
    const MESSAGES: usize = 200;
    const PACE: Duration = Duration::from_millis(30);
    let services = Services::start().await;
    let bounded = || {
        services.gateway_with(|settings| {
            settings.max_socket_age_seconds = AGE.as_secs();
            settings.sends_per_second = 1_000;
        })
    };
    let (here, there) = tokio::join!(bounded(), bounded());
    let mina = services.user("mina").await;
    let room = here.api().with_token(&mina.token).create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let both = vec![here.base(), there.base()];
    let (speaker, speaker_hears) = listen(both.clone(), &mina, room).await;
    let (listener, listener_hears) = listen(both.into_iter().rev().collect(), &mina, room).await;
    let mut seqs = Vec::new();
    for number in 0..MESSAGES {
        let sent = within(PATIENCE, "an acknowledgement", speaker.send(room, &number.to_string())).await;
        let sent = sent.unwrap();
        seqs.push(sent.seq.get());
        sleep(PACE).await;
    }
    let last = seqs.last().copied().unwrap();
    for session in [&speaker, &listener] {
        within(PATIENCE, "the last message", async {
            while session.cursor(room).await.is_none_or(|cursor| cursor.seq.get() < last) {
                sleep(PACE).await;
            }
        })
        .await;
    }
    for (session, hears) in [(speaker, speaker_hears), (listener, listener_hears)] {
        session.close().await;
        drop(session);
        let (heard, connections) = hears.await.unwrap();
        assert_eq!(heard, (1..=last).collect::<Vec<_>>());
        assert!(connections > 2, "{connections} sockets in {:?}", PACE * MESSAGES as u32);
    }
    let retired = |gateway: &Gateway| gateway.metric(r#"madang_gateway_closed_total{reason="old"}"#);
    assert!(retired(&here) + retired(&there) >= 4);
}
