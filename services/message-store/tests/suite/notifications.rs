//! Of what users want to be notified, and notices that are dismissed.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

use madang_domain::{
    Code, NotificationLevel, Profile, Result, RoomId, Seq, Timestamp, TopicId,
    event::{Dismissed, Event, EventBody},
};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Dismiss, GetUserSettings, HistoryFrom, Inbox, MarkInboxRead, Notify, OpenInbox,
        PutRoomSettings, PutUserSettings, Read, RoomSettings, SetForRoom, UserSettings,
    },
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};

use crate::{
    edits::edit,
    support::{Fixture, Words as _, key, message, seqs, user},
    threads::{follow, reply, tell},
};

madang_test_kit::on_both!(
    a_notice_that_the_level_refuses_is_not_written,
    an_edit_tells_nobody_whose_level_refuses_it,
    a_thread_tells_nobody_whose_level_refuses_it,
    settings_are_kept_and_answered,
    the_latest_version_of_settings_is_what_is_kept,
    a_dismissed_notice_is_gone_and_its_place_stays,
    what_is_dismissed_is_not_unread,
    unread_notices_are_what_a_naive_count_says,
);

pub(crate) async fn put(
    service: &Service,
    room: RoomId,
    user: &Profile,
    settings: RoomSettings,
) -> Result<SetForRoom> {
    let RoomSettings { notify, muted_until } = settings;
    let (notify, muted_until) = (Some(notify), Some(muted_until));
    service.put_room_settings(PutRoomSettings { user: user.id, room: room.into(), notify, muted_until }).await
}

async fn inbox(service: &Service, user: &Profile) -> Vec<Event> {
    service.read(Read { topic: TopicId::Inbox(user.id), after: Seq::START, limit: 1_000 }).await.unwrap()
}

async fn mentions(service: &Service, user: &Profile) -> usize {
    inbox(service, user).await.iter().filter(|event| matches!(event.body, EventBody::Mention(_))).count()
}

async fn unread(service: &Service, user: &Profile) -> u64 {
    service.open_inbox(OpenInbox { user: user.id, since: None, replay_limit: 5 }).await.unwrap().unread
}

async fn dismiss(service: &Service, user: &Profile, seq: u64) -> Result<Vec<Event>> {
    Ok(service.dismiss(Dismiss { user: user.id, seq: Seq::new(seq) }).await?.events)
}

async fn a_notice_that_the_level_refuses_is_not_written(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let other = service.given_room(&[&mina, &jun]).await;
    let say = async |room, key: &str, authority| {
        let message = message("@user-2 @user-3", key);
        service.append(Append { room, actor: Arc::clone(&mina), message, authority }).await.unwrap()
    };
    let now = fixture.clock.now();
    let hour = Duration::from_secs(3_600);
    let muted_until = Some(madang_domain::Timestamp::from_micros(now.as_micros() + 3_600_000_000));
    for (step, (settings, is_told)) in [
        (RoomSettings { notify: NotificationLevel::Mentions, muted_until: None }, true),
        (RoomSettings { notify: NotificationLevel::None, muted_until: None }, false),
        (RoomSettings { notify: NotificationLevel::All, muted_until }, false),
        (RoomSettings { notify: NotificationLevel::All, muted_until: None }, true),
    ]
    .into_iter()
    .enumerate()
    {
        let SetForRoom { room: of, settings: set, .. } = put(&service, room, &jun, settings).await.unwrap();
        assert_eq!((of, set), (room, settings));
        assert_eq!(service.view(room, &jun).await.membership.unwrap().settings, settings);
        for (authority, key) in [(Authority::User, "u"), (Authority::Site, "s")] {
            let (of_jun, of_hana) = (mentions(&service, &jun).await, mentions(&service, &hana).await);
            let said = say(room, &format!("{key}{step}"), authority).await;
            // The message says whom it mentions, whoever is told.
            let told: Vec<_> =
                said.mentions.iter().map(|mention| (mention.user, mention.notice.is_some())).collect();
            assert_eq!(told, [(jun.id, is_told), (hana.id, true)], "{settings:?}");
            assert_eq!(mentions(&service, &jun).await, of_jun + usize::from(is_told), "{settings:?}");
            assert_eq!(mentions(&service, &hana).await, of_hana + 1);
        }
        // Of another room nothing is refused.
        let before = mentions(&service, &jun).await;
        say(other, &format!("o{step}"), Authority::User).await;
        assert_eq!(mentions(&service, &jun).await, before + 1);
    }
    // A mute ends by itself.
    put(&service, room, &jun, RoomSettings { notify: NotificationLevel::All, muted_until }).await.unwrap();
    fixture.clock.advance(hour);
    assert!(say(room, "later", Authority::User).await.mentions.iter().all(|told| told.notice.is_some()));
    let stranger = user(9);
    let refused = put(&service, room, &stranger, RoomSettings::default()).await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
}

async fn an_edit_tells_nobody_whose_level_refuses_it(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let said = service.say(room, &mina, "plain").await.unwrap().seq;
    let none = RoomSettings { notify: NotificationLevel::None, muted_until: None };
    put(&service, room, &jun, none).await.unwrap();
    edit(&service, room, &mina, said, "@user-2 @user-3").await.unwrap();
    assert_eq!((mentions(&service, &jun).await, mentions(&service, &hana).await), (0, 1));
}

async fn a_thread_tells_nobody_whose_level_refuses_it(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana, sora] = [1, 2, 3, 4].map(user);
    let room = service.given_room(&[&mina, &jun, &hana, &sora]).await;
    let root = service.say(room, &mina, "root").await.unwrap().seq;
    for follower in [&jun, &hana, &sora] {
        follow(&service, room, follower, root, true).await.unwrap();
    }
    let level = |notify, muted_until| RoomSettings { notify, muted_until };
    let hour = Some(fixture.clock.now().plus(Duration::from_secs(3_600)));
    put(&service, room, &jun, level(NotificationLevel::None, None)).await.unwrap();
    put(&service, room, &hana, level(NotificationLevel::All, hour)).await.unwrap();
    put(&service, room, &sora, level(NotificationLevel::Mentions, None)).await.unwrap();
    let said = reply(&service, room, &mina, root, "first").await.unwrap().value.seq;
    let told = |events: Vec<Event>| events.into_iter().map(|event| event.topic).collect::<Vec<_>>();
    assert_eq!(told(tell(&service, room, said).await), [TopicId::Inbox(sora.id)]);
    // A mute ends by itself, and what was refused meanwhile stays so.
    fixture.clock.advance(Duration::from_secs(3_600));
    let said = reply(&service, room, &mina, root, "second").await.unwrap().value.seq;
    assert_eq!(told(tell(&service, room, said).await), [hana.id, sora.id].map(TopicId::Inbox));
}

async fn settings_are_kept_and_answered(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let until = Some(fixture.clock.now());
    let get = async || service.get_user_settings(GetUserSettings { user: mina.id }).await.unwrap();
    let before = get().await;
    assert_eq!(before.do_not_disturb_until, None);
    let put = async |do_not_disturb_until| {
        let put = PutUserSettings { do_not_disturb_until, ..PutUserSettings::nothing(mina.id) };
        service.put_user_settings(put).await.unwrap()
    };
    assert_eq!(put(Some(until)).await.do_not_disturb_until, until);
    assert_eq!(put(None).await.do_not_disturb_until, until, "what is not named stays");
    assert_eq!(get().await.added_by, before.added_by);
    let after = put(Some(None)).await;
    assert!(after.version > before.version, "{after:?}");
    assert_eq!(after, UserSettings { version: after.version, ..before });
}

/// Several devices change something at once, at two replicas, while the clock stands still.
async fn the_latest_version_of_settings_is_what_is_kept(fixture: Fixture) {
    let (one, two) = (fixture.service().await, fixture.service().await);
    let jun = user(2);
    let room = one.given_room(&[&user(1), &jun]).await;
    let until = |number: i64| Timestamp::from_micros(fixture.clock.now().as_micros() + number);
    let of_user = (1..=8).map(|number| {
        let set = PutUserSettings {
            do_not_disturb_until: Some(Some(until(number))),
            ..PutUserSettings::nothing(jun.id)
        };
        if number % 2 == 0 { &one } else { &two }.put_user_settings(set)
    });
    let answers = futures_util::future::join_all(of_user).await;
    let answers: BTreeMap<_, _> =
        answers.into_iter().map(|set| set.unwrap()).map(|set| (set.version, set)).collect();
    assert_eq!(answers.len(), 8, "each change has a version of its own");
    let kept = one.get_user_settings(GetUserSettings { user: jun.id }).await.unwrap();
    assert_eq!(answers.last_key_value(), Some((&kept.version, &kept)));

    let levels = [NotificationLevel::All, NotificationLevel::Mentions, NotificationLevel::None];
    let of_room = (1..=8_i64).map(|number| {
        let settings =
            RoomSettings { notify: levels[(number % 3) as usize], muted_until: Some(until(number)) };
        let (service, jun) = (if number % 2 == 0 { one.clone() } else { two.clone() }, Arc::clone(&jun));
        async move { put(&service, room, &jun, settings).await.unwrap() }
    });
    let answers: BTreeMap<_, _> = futures_util::future::join_all(of_room)
        .await
        .into_iter()
        .map(|set| (set.version, set.settings))
        .collect();
    assert_eq!(answers.len(), 8);
    let kept = one.view(room, &jun).await.membership.unwrap().settings;
    assert_eq!(answers.last_key_value().map(|(_, settings)| *settings), Some(kept));
}

async fn a_dismissed_notice_is_gone_and_its_place_stays(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    for number in 1..=3 {
        let data = format!("{{\"secret\":\"notice {number}\"}}").into();
        let with_key = Some(key(format!("k{number}")));
        service.notify(Notify { user: Arc::clone(&mina), data, key: with_key }).await.unwrap();
    }
    let told = dismiss(&service, &mina, 2).await.unwrap();
    let gone = EventBody::Dismissed(Dismissed { notice: Seq::new(2) });
    assert_eq!((seqs(&told), &told[0].body), (vec![4], &gone));
    assert!(dismiss(&service, &mina, 2).await.unwrap().is_empty(), "a repeat");
    // Whoever reads on, hears of it; whoever looked it up before finds what is left of it.
    let log = inbox(&service, &mina).await;
    assert_eq!(seqs(&log), [1, 2, 3, 4]);
    assert_eq!((&log[1].body, &log[3]), (&gone, &told[0]));
    let page = async |from| {
        let page = service.inbox(Inbox { user: mina.id, from, limit: 10 }).await.unwrap();
        (seqs(&page.events), page.unread)
    };
    assert_eq!(page(HistoryFrom::End).await, (vec![3, 1], 2), "who loads is not shown it");
    assert_eq!(page(HistoryFrom::After(Seq::new(1))).await, (vec![2, 3, 4], 2));
    assert!(!fixture.dump().await.contains("notice 2"), "what it said is left nowhere");
    // Its key was used: a repeat makes no other notice.
    let data = "{\"secret\":\"notice 2\"}".into();
    let again = Notify { user: Arc::clone(&mina), data, key: Some(key("k2")) };
    assert_eq!(service.notify(again).await.unwrap().value.seq, Seq::new(2));
    for nothing in [0, 4, 5, u64::MAX] {
        let refused = dismiss(&service, &mina, nothing).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound, "{nothing}");
    }
    assert_eq!(dismiss(&service, &user(7), 1).await.unwrap_err().code, Code::NotFound, "another's inbox");
}

async fn what_is_dismissed_is_not_unread(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let notify = async || {
        service.notify(Notify { user: Arc::clone(&mina), data: "{}".into(), key: None }).await.unwrap();
    };
    for _ in 0..4 {
        notify().await;
    }
    let mark = async |seq| {
        let mark = MarkInboxRead { user: mina.id, seq: Seq::new(seq) };
        let mark = service.mark_inbox_read(mark).await.unwrap();
        (mark.read.get(), mark.unread)
    };
    assert_eq!(mark(2).await, (2, 2));
    dismiss(&service, &mina, 1).await.unwrap();
    assert_eq!(unread(&service, &mina).await, 2, "it was read");
    dismiss(&service, &mina, 4).await.unwrap();
    assert_eq!(unread(&service, &mina).await, 1);
    notify().await;
    assert_eq!(unread(&service, &mina).await, 2);
    // Places: 3 a notice; 4 gone; 5 and 6 say what is gone; 7 a notice.
    assert_eq!(mark(5).await, (5, 1));
    assert_eq!(mark(3).await, (5, 1), "never back");
    assert_eq!(mark(u64::MAX).await, (7, 0));
    notify().await;
    assert_eq!(unread(&service, &mina).await, 1);
}

#[derive(Debug, Clone)]
enum Step {
    Notify,
    Dismiss(u8),
    Mark(u8),
}

async fn unread_notices_are_what_a_naive_count_says(fixture: Fixture) {
    let service = fixture.service().await;
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(()));
    let histories = std::env::var("CONVERGENCE_HISTORIES").ok().and_then(|text| text.parse::<u64>().ok());
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    for history in 0..histories.unwrap_or(12) {
        let step = prop_oneof![
            4 => proptest::strategy::Just(Step::Notify),
            3 => any::<u8>().prop_map(Step::Dismiss),
            2 => any::<u8>().prop_map(Step::Mark),
        ];
        let steps = vec(step, 1..40).new_tree(&mut runner).unwrap().current();
        let person = user(u128::from(history) + 1);
        // The places of notices that stand, the last place, and the mark.
        let (mut standing, mut head, mut read) = (BTreeSet::new(), 0_u64, 0_u64);
        for step in &steps {
            match *step {
                Step::Notify => {
                    let notify = Notify { user: Arc::clone(&person), data: "{}".into(), key: None };
                    head = service.notify(notify).await.unwrap().value.seq.get();
                    standing.insert(head);
                }
                Step::Dismiss(at) => {
                    let seq = u64::from(at) % (head + 1);
                    if let Ok(events) = dismiss(&service, &person, seq).await {
                        assert_eq!(standing.remove(&seq), !events.is_empty(), "{seq} of {steps:?}");
                        head += events.len() as u64;
                    } else {
                        assert!(!standing.contains(&seq), "{seq} of {steps:?}");
                    }
                }
                Step::Mark(at) => {
                    let seq = u64::from(at) % (head + 2);
                    read = read.max(seq.min(head));
                    let mark = MarkInboxRead { user: person.id, seq: Seq::new(seq) };
                    assert_eq!(service.mark_inbox_read(mark).await.unwrap().read, Seq::new(read));
                }
            }
            let naive = standing.iter().filter(|seq| **seq > read).count() as u64;
            assert_eq!(unread(&service, &person).await, naive, "PROPTEST_RNG_SEED={seed} {steps:?}");
        }
    }
}
