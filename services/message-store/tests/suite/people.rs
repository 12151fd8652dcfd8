//! What users say of themselves, when they were last seen, and who sees it.

use std::{sync::Arc, time::Duration};

use madang_domain::{Profile, RoomId, Timestamp};
use madang_kit::clock::Clock as _;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Block, GetHides, GetPeople, GetUserSettings, NoteSeen, OpenInbox, Person, PutStatus, PutUserSettings,
        STATUS_BUT_FOR_MAX, Seen, Status, StatusRoom, ToldStatus, Unblock, UserHides,
    },
};

use madang_test_kit::EitherDatabase;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Fixture, Words as _, user};

madang_test_kit::on_both!(
    a_status_is_seen_by_those_who_share_a_room_until_it_ends,
    who_blocks_and_who_is_blocked_see_and_hear_nothing,
    the_latest_time_that_somebody_was_seen_counts,
    when_somebody_was_seen_can_be_hidden,
    what_is_hidden_is_kept_and_told_with_the_inbox,
    a_status_that_is_set_is_answered_although_it_is_not_known_who_is_told,
    a_status_that_has_ended_is_taken_away,
    a_status_is_not_told_where_very_many_are_not_to_hear_of_it,
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

/// So many whom nobody knows are members of a room, and block a user.
async fn given_blockers(fixture: &Fixture, room: RoomId, user: &Profile, count: usize) {
    let (room, user) = (room.uuid().simple(), user.id.uuid().simple());
    let insert = "INSERT INTO members (room, user_id, role, joined_at, read_seq, read_ordinal)";
    let postgres = format!(
        "{insert} SELECT '{room}', gen_random_uuid(), 1, 1, 0, 0 FROM generate_series(1, {count});
         INSERT INTO blocks (blocker, blocked, at) SELECT m.user_id, '{user}', 1 FROM members m \
         WHERE m.user_id <> '{user}' ON CONFLICT DO NOTHING"
    );
    let sqlite = format!(
        "{insert} WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
         SELECT x'{room}', randomblob(16), 1, 1, 0, 0 FROM n;
         INSERT INTO blocks (blocker, blocked, at) SELECT m.user_id, x'{user}', 1 FROM members m \
         WHERE m.user_id <> x'{user}' ON CONFLICT DO NOTHING"
    );
    fixture.database().execute(&postgres, &sqlite).await.unwrap();
}

async fn a_status_is_not_told_where_very_many_are_not_to_hear_of_it(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let (crowd, quiet) = (service.given_room(&[&mina]).await, service.given_room(&[&mina]).await);
    given_blockers(&fixture, crowd, &mina, STATUS_BUT_FOR_MAX).await;
    let told = put(&service, &mina, Some(status("here", None))).await;
    let in_crowd = told.rooms.iter().find(|told| told.room == crowd).unwrap();
    assert_eq!(in_crowd.but_for.len(), STATUS_BUT_FOR_MAX);
    assert!(in_crowd.but_for.is_sorted());
    given_blockers(&fixture, crowd, &mina, 1).await;
    let told = put(&service, &mina, Some(status("here", None))).await;
    assert_eq!(told.rooms, [told_in(quiet, &[])]);
    // Nobody looks through all who block a user.
    given_blockers(&fixture, crowd, &mina, 1_000).await;
    let told = put(&service, &mina, Some(status("here", None))).await;
    assert_eq!(told.rooms, []);
    assert_eq!(sees_status(&service, &mina, &mina).await, Some(status("here", None)));
    // The statement reads an index that begins with who is blocked.
    let plan = if fixture.url.starts_with("sqlite") {
        let index = "SELECT count(*) FROM pragma_index_list('blocks') i, pragma_index_info(i.name) c \
            WHERE c.seqno = 0 AND c.name = 'blocked'";
        fixture.count(index).await
    } else {
        let index =
            "SELECT count(*) FROM pg_indexes WHERE tablename = 'blocks' AND indexdef LIKE '%(blocked,%'";
        fixture.count(index).await
    };
    assert_eq!(plan, 1);
}

/// Only here does one writer wait for another and then judge what it found before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_is_set_as_another_ends_stays() {
    const ENDING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
        AND state = 'active' AND query LIKE 'UPDATE user_states SET status = NULL%'";
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let fixture = Fixture::from(EitherDatabase::postgres().await.unwrap());
    let service = fixture.service().await;
    let mina = user(1);
    service.given_room(&[&mina]).await;
    let until = fixture.clock.now().plus(Duration::from_secs(60));
    put(&service, &mina, Some(status("for a while", Some(until)))).await;
    fixture.clock.advance(Duration::from_secs(60));
    let mut setting = PgConnection::connect(&fixture.url).await.unwrap();
    setting.execute("BEGIN").await.unwrap();
    setting.execute("UPDATE user_states SET status = 'for long', status_until = 0").await.unwrap();
    // A replica that starts looks for what is over.
    let _replica = fixture.service().await;
    fixture.await_count(WAITING, 1).await;
    setting.execute("COMMIT").await.unwrap();
    fixture.await_count(ENDING, 0).await;
    assert_eq!(sees_status(&service, &mina, &mina).await, Some(status("for long", None)));
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
    let last = service.put_user_settings(put).await.unwrap();
    assert_eq!(opened().await, (true, false));
    // Each change within a moment is later than the one before, and whoever asks anew learns the last one.
    assert!(last.version > set.version);
    let ask = GetHides { users: vec![user(2).id, mina.id] };
    let hides = UserHides { user: mina.id, presence: true, typing: false, version: last.version };
    assert_eq!(service.get_hides(ask).await.unwrap().hides, [hides]);
}

/// Whoever is answered with an error may set it once more, and nobody would be told of it.
async fn a_status_that_is_set_is_answered_although_it_is_not_known_who_is_told(fixture: Fixture) {
    let service = fixture.service().await;
    let [mina, jun] = [1, 2].map(user);
    service.given_room(&[&mina, &jun]).await;
    fixture.execute("ALTER TABLE members RENAME TO members_elsewhere").await;
    let told = put(&service, &mina, Some(status("at lunch", None))).await;
    assert_eq!(told.rooms, []);
    fixture.execute("ALTER TABLE members_elsewhere RENAME TO members").await;
    let seen = service.get_people(GetPeople { viewer: jun.id, users: vec![mina.id] }).await.unwrap();
    assert_eq!(seen[0].status, Some(status("at lunch", None)));
    let again = put(&service, &mina, Some(status("back", None))).await;
    assert!(again.rooms.len() == 1 && again.version > told.version);
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
