//! What users say of themselves, when they were last seen, and who sees it.

use std::{sync::Arc, time::Duration};

use madang_domain::{Profile, RoomId, Timestamp};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Block, GetPeople, GetUserSettings, NoteSeen, OpenInbox, Person, PutStatus, PutUserSettings, Seen,
        Status, StatusRoom, ToldStatus, Unblock,
    },
};

use crate::support::{Fixture, Words as _, user};

madang_test_kit::on_both!(
    a_status_is_seen_by_those_who_share_a_room_until_it_ends,
    who_blocks_and_who_is_blocked_see_and_hear_nothing,
    the_latest_time_that_somebody_was_seen_counts,
    when_somebody_was_seen_can_be_hidden,
    what_is_hidden_is_kept_and_told_with_the_inbox,
    a_status_that_has_ended_is_taken_away,
);

fn status(text: &str, until: Option<Timestamp>) -> Status {
    Status { text: text.parse().unwrap(), until }
}

async fn put(service: &Service, user: &Arc<Profile>, status: Option<Status>) -> ToldStatus {
    service.put_status(PutStatus { user: Arc::clone(user), status }).await.unwrap()
}

async fn seen(service: &Service, users: &[(&Profile, Timestamp)]) {
    let seen = users.iter().map(|(user, at)| Seen { user: user.id, at: *at }).collect();
    service.note_seen(NoteSeen { seen }).await.unwrap();
}

/// What a user sees of another one.
async fn sees(service: &Service, viewer: &Profile, other: &Profile) -> Option<Person> {
    let ask = GetPeople { viewer: viewer.id, users: vec![other.id] };
    service.get_people(ask).await.unwrap().pop()
}

async fn sees_status(service: &Service, viewer: &Profile, other: &Profile) -> Option<Status> {
    sees(service, viewer, other).await.and_then(|person| person.status)
}

fn told_in(room: RoomId, but_for: &[&Profile]) -> StatusRoom {
    StatusRoom { room, but_for: but_for.iter().map(|user| user.id).collect() }
}

async fn a_status_is_seen_by_those_who_share_a_room_until_it_ends(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, stranger] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun]).await;
    service.given_room(&[&stranger]).await;
    let lunch = status("점심", Some(fixture.clock.now().plus(Duration::from_secs(60))));
    let told = put(&service, &mina, Some(lunch.clone())).await;
    assert_eq!(told.rooms, [told_in(room, &[])]);
    assert_eq!(sees_status(&service, &jun, &mina).await, Some(lunch.clone()));
    assert_eq!(sees_status(&service, &mina, &mina).await, Some(lunch));
    assert_eq!(sees(&service, &stranger, &mina).await, None);
    // It ends by itself.
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(sees_status(&service, &jun, &mina).await, None);
    let endless = status("away", None);
    let again = put(&service, &mina, Some(endless.clone())).await;
    assert!(again.version > told.version);
    fixture.clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(sees_status(&service, &jun, &mina).await, Some(endless.clone()));
    // Two changes within a moment have an order.
    let first = put(&service, &mina, Some(endless)).await;
    let second = put(&service, &mina, None).await;
    assert!(second.version > first.version);
    assert_eq!(sees_status(&service, &jun, &mina).await, None);
}

async fn who_blocks_and_who_is_blocked_see_and_hear_nothing(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, hana] = [1, 2, 3].map(user);
    let room = service.given_room(&[&mina, &jun, &hana]).await;
    let quiet = service.given_room(&[&mina, &hana]).await;
    let at = fixture.clock.now();
    for (blocker, blocked) in [(&mina, &jun), (&jun, &mina)] {
        let block = Block { actor: Arc::clone(blocker), user: Arc::clone(blocked) };
        service.block(block).await.unwrap();
        let mut told = put(&service, &mina, Some(status("here", None))).await.rooms;
        told.sort_by_key(|told| told.room);
        let mut expected = vec![told_in(room, &[&jun]), told_in(quiet, &[])];
        expected.sort_by_key(|told| told.room);
        assert_eq!(told, expected);
        seen(&service, &[(&mina, at)]).await;
        assert_eq!(sees(&service, &jun, &mina).await, None);
        assert!(sees(&service, &hana, &mina).await.is_some());
        service.unblock(Unblock { actor: blocker.id, user: blocked.id }).await.unwrap();
        assert!(sees(&service, &jun, &mina).await.is_some(), "no block, no secret");
    }
}

async fn the_latest_time_that_somebody_was_seen_counts(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun, nobody] = [1, 2, 3].map(user);
    service.given_room(&[&mina, &jun]).await;
    let at = |seconds| fixture.clock.now().plus(Duration::from_secs(seconds));
    seen(&service, &[(&mina, at(5)), (&mina, at(9)), (&jun, at(2)), (&nobody, at(3))]).await;
    let of = async |user: &Profile| sees(&service, &jun, user).await.and_then(|person| person.last_seen);
    assert_eq!((of(&mina).await, of(&jun).await), (Some(at(9)), Some(at(2))));
    // A gateway that was slow says it late.
    seen(&service, &[(&mina, at(7))]).await;
    assert_eq!(of(&mina).await, Some(at(9)));
    assert_eq!(sees(&service, &nobody, &nobody).await, None, "who was in no room is not kept");
    // A status leaves it as it is, and it leaves the status.
    put(&service, &mina, Some(status("here", None))).await;
    seen(&service, &[(&mina, at(11))]).await;
    let person = sees(&service, &jun, &mina).await.unwrap();
    assert_eq!((person.status, person.last_seen), (Some(status("here", None)), Some(at(11))));
}

async fn when_somebody_was_seen_can_be_hidden(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    service.given_room(&[&mina, &jun]).await;
    let at = fixture.clock.now();
    let hide = async |hides| {
        let put = PutUserSettings { hides_last_seen: Some(hides), ..PutUserSettings::nothing(mina.id) };
        service.put_user_settings(put).await.unwrap();
    };
    let of_mina = async || sees(&service, &jun, &mina).await.and_then(|person| person.last_seen);
    seen(&service, &[(&mina, at)]).await;
    assert_eq!(of_mina().await, Some(at));
    hide(true).await;
    assert_eq!(of_mina().await, None);
    assert_eq!(fixture.count("SELECT count(*) FROM user_states WHERE last_seen > 0").await, 0);
    seen(&service, &[(&mina, at), (&jun, at)]).await;
    assert_eq!(fixture.count("SELECT count(*) FROM user_states WHERE last_seen > 0").await, 1, "of Jun");
    hide(false).await;
    assert_eq!(of_mina().await, None, "it was not kept");
    seen(&service, &[(&mina, at)]).await;
    assert_eq!(of_mina().await, Some(at));
}

async fn what_is_hidden_is_kept_and_told_with_the_inbox(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let opened = async || {
        let open = OpenInbox { user: mina.id, since: None, replay_limit: 5 };
        let opened = service.open_inbox(open).await.unwrap();
        (opened.hides_presence, opened.hides_typing)
    };
    let nothing = || PutUserSettings::nothing(mina.id);
    assert_eq!(opened().await, (false, false));
    let put = PutUserSettings { hides_typing: Some(true), ..nothing() };
    assert!(service.put_user_settings(put).await.unwrap().hides_typing);
    assert_eq!(opened().await, (false, true));
    let put = PutUserSettings { hides_presence: Some(true), hides_last_seen: Some(true), ..nothing() };
    service.put_user_settings(put).await.unwrap();
    let set = service.get_user_settings(GetUserSettings { user: mina.id }).await.unwrap();
    assert!(set.hides_presence && set.hides_last_seen && set.hides_typing, "what is not named stays");
    let put = PutUserSettings { hides_typing: Some(false), ..nothing() };
    service.put_user_settings(put).await.unwrap();
    assert_eq!(opened().await, (true, false));
}

async fn a_status_that_has_ended_is_taken_away(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    let until = fixture.clock.now().plus(Duration::from_secs(60));
    put(&service, &mina, Some(status("for a while", Some(until)))).await;
    put(&service, &jun, Some(status("for long", None))).await;
    fixture.clock.advance(Duration::from_secs(60));
    // A replica that starts looks for what is over.
    let _replica = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM user_states WHERE status IS NOT NULL", 1).await;
}
