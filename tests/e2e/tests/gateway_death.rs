//! A gateway is killed under load: its clients go to the other one, and nothing is missing, twice or out of order.

use madang_client::SessionOptions;
use madang_domain::Seq;
use madang_e2e::{
    COMPLETE_AGAIN, LIVE, Listener, LogRow, Person, Stage, Talk, assert_in_log_once, eventually, fast_sends,
    public_room,
};

/// Messages between two blows.
const SOME: usize = 30;

#[tokio::test]
async fn clients_of_a_killed_gateway_miss_nothing() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon, sora) = tokio::join!(
        Person::register(stage.gateway(0), "mina"),
        Person::register(stage.gateway(1), "joon"),
        Person::register(stage.gateway(1), "sora"),
    );
    let room = public_room(&mina, "Bridge", &[&joon, &sora]).await.id;
    let (first, second) = (stage.gateway(0), stage.gateway(1));
    // Mina and Joon begin on the gateway that will die and know the other; Sora is on the one that lives.
    let doomed_first = vec![first.clone(), second.clone()];
    let speaker = mina.listen(doomed_first.clone(), room).await;
    let listener = joon.listen(doomed_first, room).await;
    let survivor = sora.listen(vec![second.clone()], room).await;
    // A client that comes through the ingress finds its way by the ingress.
    let through_ingress =
        Listener::start(vec![stage.ingress()], sora.bearer(), room, SessionOptions::default()).await;

    let mut mina_talks = Talk::start(&speaker.session, room, "mina");
    let mut sora_talks = Talk::start(&survivor.session, room, "sora");
    mina_talks.more(SOME).await;
    sora_talks.more(SOME).await;

    stage.cluster.gateway(0).kill9().await.expect("a kill");

    mina_talks.more(SOME).await;
    sora_talks.more(SOME).await;
    let mut sent = mina_talks.stop().await;
    sent.extend(sora_talks.stop().await);
    let last = sent.iter().map(|message| message.seq).max().unwrap_or(Seq::START);

    for listener in [&speaker, &listener, &survivor, &through_ingress] {
        listener.until_seq(COMPLETE_AGAIN, last).await;
        listener.assert_whole(Seq::START, last);
    }
    assert!(speaker.heard().connections > 1, "the speaker was on the gateway that died");
    assert!(listener.heard().connections > 1, "the listener was on the gateway that died");
    assert_eq!(survivor.heard().connections, 1, "the others did not feel it");
    assert_in_log_once(&stage.log_of(room).await, &sent);

    // Everyone heard the same order, which is the log's.
    let log: Vec<String> =
        stage.log_of(room).await.into_iter().filter(LogRow::is_message).filter_map(|row| row.text).collect();
    for listener in [&speaker, &listener, &survivor, &through_ingress] {
        assert_eq!(listener.texts(), log);
    }

    // It comes back, and clients use it again.
    stage.cluster.gateway(0).restart().await.expect("a restart");
    let returned = joon.listen(vec![first], room).await;
    let message = survivor.session.send(room, "welcome back").await.expect("a send");
    returned.until_seq(LIVE, message.seq).await;
    returned.assert_whole(Seq::START, message.seq);
}

#[tokio::test]
async fn a_message_committed_by_a_gateway_that_dies_is_heard_by_all() {
    // Whoever sends in the moment of the kill may have it committed and not published: the other gateway's
    // sweep then finds it. Many senders make the moment likely.
    const SENDERS: usize = 8;
    let stage = Stage::start(fast_sends()).await;
    let sora = Person::register(stage.gateway(1), "sora").await;
    let mina = Person::register(stage.gateway(0), "mina").await;
    let room = public_room(&mina, "Ferry", &[&sora]).await.id;
    let survivor = sora.listen(vec![stage.gateway(1)], room).await;
    let speaker = mina.listen(vec![stage.gateway(0)], room).await;
    let mut talks: Vec<Talk> =
        (0..SENDERS).map(|number| Talk::start(&speaker.session, room, &format!("t{number}"))).collect();
    for talk in &mut talks {
        talk.more(5).await;
    }
    stage.cluster.gateway(0).kill9().await.expect("a kill");
    drop((talks, speaker));
    // The store may still commit what it had in hand; in the end both say the same.
    let head = eventually(COMPLETE_AGAIN, "the survivor to have heard all that is committed", async || {
        let head = stage.log_of(room).await.last().map_or(0, |row| row.seq);
        let head = Seq::new(u64::try_from(head).unwrap());
        let heard = survivor.heard().events.last().map(|event| event.seq);
        (heard == Some(head)).then_some(head)
    })
    .await;
    survivor.assert_whole(Seq::START, head);
}
