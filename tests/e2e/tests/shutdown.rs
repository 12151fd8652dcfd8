//! Services are restarted in good order, one after another, under load: nothing is lost, nobody waits long.

use std::time::Duration;

use madang_client::{Incoming, close_code};
use madang_contract::ServerFrame;
use madang_domain::Seq;
use madang_e2e::{PATIENCE, Person, Stage, Talk, assert_in_log_once, fast_sends, public_room, within};
use tokio::{sync::oneshot::error::TryRecvError, time::Instant};

/// Messages between two steps.
const SOME: usize = 20;

#[tokio::test]
async fn a_gateway_that_is_stopped_sends_its_clients_away_first() {
    /// Well within what a deployment grants (30 s by default).
    const STOP_BOUND: Duration = Duration::from_secs(20);
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Room", &[&joon]).await.id;
    let both = vec![stage.gateway(0), stage.gateway(1)];
    let speaker = mina.listen(both.clone(), room).await;
    let listener = joon.listen(both, room).await;
    let survivor = joon.listen(vec![stage.gateway(1)], room).await;
    let mut idle = joon.socket_in(&stage.gateway(0), room).await;
    let mut talk = Talk::start(&speaker.session, room, "mina");
    talk.more(SOME).await;

    let stopped = Instant::now();
    let watching = async {
        let mut announced = None;
        loop {
            match idle.next_frame(STOP_BOUND).await {
                Ok(Incoming::Frame(ServerFrame::Reconnect(reconnect))) => announced = Some(reconnect),
                Ok(_) => {}
                Err(error) => {
                    let close = error.close().unwrap_or_else(|| panic!("not closed: {error}")).clone();
                    return (announced, close);
                }
            }
        }
    };
    let (status, (announced, close)) = tokio::join!(stage.cluster.gateway(0).stop(), watching);
    assert!(stopped.elapsed() < STOP_BOUND, "it took {:?}", stopped.elapsed());
    assert_eq!(status.expect("an end").code(), Some(0), "the exit status");
    let announced = announced.expect("a `reconnect` before the close");
    assert!(!announced.reason.is_empty());
    assert_eq!(close.code, close_code::RESTART, "{close}");

    talk.more(SOME).await;
    let sent = talk.stop().await;
    let last = sent.last().map_or(Seq::START, |message| message.seq);
    for listener in [&speaker, &listener, &survivor] {
        listener.until_seq(PATIENCE, last).await;
        listener.assert_whole(Seq::START, last);
    }
    for sent_away in [&speaker, &listener] {
        let heard = sent_away.heard();
        assert!(heard.connections > 1, "was on the gateway that stopped");
        assert_eq!(heard.closes[0].code, close_code::RESTART, "{:?}", heard.closes);
    }
    assert_eq!(survivor.heard().connections, 1);
    assert_in_log_once(&stage.log_of(room).await, &sent);

    // Nothing of it is left in Redis: the next publish does not look for it.
    assert_eq!(stage.listeners_of(room).await.len(), 1);
    stage.cluster.gateway(0).restart().await.expect("a restart");
}

#[tokio::test]
async fn stores_and_auths_are_restarted_one_after_another() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Room", &[&joon]).await.id;
    let first = mina.listen(vec![stage.gateway(0)], room).await;
    let second = joon.listen(vec![stage.gateway(1)], room).await;
    let mut mina_talks = Talk::start(&first.session, room, "mina");
    let mut joon_talks = Talk::start(&second.session, room, "joon");
    mina_talks.more(SOME).await;
    joon_talks.more(SOME).await;

    // Meanwhile somebody signs in again and again: each time it works.
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let (username, password, ingress) = (mina.username.clone(), mina.password(), stage.ingress());
    let signing_in = tokio::spawn(async move {
        let guest = madang_client::Client::new(&ingress).unwrap();
        let mut count = 0;
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            guest.login(&username, password).await.unwrap_or_else(|error| panic!("sign-in {count}: {error}"));
            count += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        count
    });

    for index in 0..2 {
        for service in [stage.cluster.message_store(index), stage.cluster.auth(index)] {
            let status = service.stop().await.expect("an end");
            assert_eq!(status.code(), Some(0), "the exit status of {}", service.name());
            mina_talks.more(SOME).await;
            joon_talks.more(SOME).await;
            service.restart().await.expect("a restart");
            mina_talks.more(SOME).await;
            joon_talks.more(SOME).await;
        }
    }
    drop(stop);
    let signed_in = within(PATIENCE, "the last sign-in", signing_in).await.expect("every sign-in worked");
    assert!(signed_in > 0);
    let mut sent = mina_talks.stop().await;
    sent.extend(joon_talks.stop().await);
    let last = sent.iter().map(|message| message.seq).max().unwrap_or(Seq::START);
    for listener in [&first, &second] {
        listener.until_seq(PATIENCE, last).await;
        listener.assert_whole(Seq::START, last);
        assert_eq!(listener.heard().connections, 1, "no client felt it");
    }
    assert_in_log_once(&stage.log_of(room).await, &sent);
}
