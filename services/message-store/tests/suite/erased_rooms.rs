//! In which rooms an erasure finds something of a user, and how much of them it holds at once.

use std::sync::Arc;

use madang_domain::{RoomDetailChanges, RoomFlagChanges, RoomName, RoomRef};
use madang_rpc::{
    MessageStore as _,
    store::{Authority, EraseUser, RoomKind, UpdateRoom},
};

use crate::{
    erasures::{STEPS_MAX, erase, leave, named, send, traces},
    support::{Fixture, Words as _, room_of, user},
};

madang_test_kit::on_both!(
    a_room_that_was_left_without_a_word_is_looked_through,
    a_room_that_is_deleted_meanwhile_hides_no_other,
    the_former_name_of_a_direct_room_goes_in_bounded_steps,
);

async fn a_room_that_was_left_without_a_word_is_looked_through(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (named(), user(2));
    let left = service.given_room(&[&jun, &gone]).await;
    leave(&service, left, &gone).await;
    // Who is no member is not mentioned, so no notice leads there.
    send(&service, left, &jun, "where is @zyzzyva", "k1").await;
    fixture.await_index().await;
    erase(&service, gone.id).await;
    fixture.await_index().await;
    assert_eq!(traces(&fixture.dump().await), Vec::<String>::new());
    let texts = fixture.database().texts("SELECT text FROM events WHERE text IS NOT NULL").await.unwrap();
    assert_eq!(texts, ["where is [deleted user]"]);
}

/// Rooms before all others, so many that one step asks them and one more; the first of them goes as soon as something is found.
async fn rooms_that_go(fixture: &Fixture) {
    let columns =
        "(id, kind, name, created_at, creator, active_at, head, messages, last_message_seq, member_count)";
    let values = "2, 'filler', 0, r.creator, 0, 0, 0, 0, 0 FROM rooms r";
    let postgres = format!(
        "INSERT INTO rooms {columns} SELECT lpad(to_hex(n), 32, '0')::uuid, {values}, generate_series(1, 999) n \
             WHERE r.id = (SELECT id FROM rooms ORDER BY id LIMIT 1); \
         CREATE FUNCTION one_goes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             DELETE FROM rooms WHERE id = '00000000-0000-0000-0000-000000000001'; RETURN NULL; END $$; \
         CREATE TRIGGER one_goes AFTER INSERT ON erasure_rooms FOR EACH ROW EXECUTE FUNCTION one_goes();"
    );
    let sqlite = format!(
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 999) \
         INSERT INTO rooms {columns} SELECT unhex(printf('%032x', n)), {values}, s \
             WHERE r.id = (SELECT id FROM rooms ORDER BY id LIMIT 1); \
         CREATE TRIGGER one_goes AFTER INSERT ON erasure_rooms BEGIN \
             DELETE FROM rooms WHERE id = x'00000000000000000000000000000001'; END;"
    );
    fixture.database().execute(&postgres, &sqlite).await.unwrap();
}

async fn a_room_that_is_deleted_meanwhile_hides_no_other(fixture: Fixture) {
    let service = fixture.service().await;
    let (gone, jun) = (named(), user(2));
    for number in 0..2 {
        let left = service.given_room(&[&jun, &gone]).await;
        send(&service, left, &gone, &format!("zyzzyva {number}"), &format!("k{number}")).await;
        leave(&service, left, &gone).await;
    }
    rooms_that_go(&fixture).await;
    assert_eq!(fixture.count("SELECT count(*) FROM rooms").await, 1_001);
    erase(&service, gone.id).await;
    assert_eq!(fixture.count("SELECT count(*) FROM rooms").await, 1_000);
    assert_eq!(fixture.count("SELECT count(*) FROM events WHERE text LIKE 'zyzzyva%'").await, 0);
}

async fn the_former_name_of_a_direct_room_goes_in_bounded_steps(fixture: Fixture) {
    const FORMER: &str = "Zyzzyva Kim, User 2";
    let service = fixture.service().await;
    let (gone, jun) = (named(), user(2));
    let direct = service.make(&gone, room_of(RoomKind::Direct, FORMER, &[&jun])).await.unwrap();
    let direct = direct.value.room.id;
    // An event that names a room so, of which the direct room then has many; and so has the other's inbox of its invitation.
    let other = service.given_room(&[&jun]).await;
    let renamed = UpdateRoom {
        actor: Some(Arc::clone(&jun)),
        authority: Authority::User,
        room: RoomRef::Id(other),
        name: Some(RoomName::new(FORMER).unwrap()),
        slug: None,
        flags: RoomFlagChanges::default(),
        details: RoomDetailChanges::default(),
    };
    service.update_room(renamed).await.unwrap();
    let columns = "INSERT INTO events (topic, seq, kind, actor, at, ordinal, detail)";
    let series = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1200)";
    let of_log = "SELECT r.id, r.head + n, 5, e.actor, r.active_at, r.messages, e.detail \
         FROM rooms r, events e, s WHERE r.kind = 3 AND e.kind = 5";
    let of_inbox =
        "SELECT e.topic, e.seq + n, 7, e.actor, e.at, 0, e.detail FROM events e, s WHERE e.kind = 7";
    let heads = "UPDATE rooms SET head = head + 1200 WHERE kind = 3; UPDATE inboxes SET head = head + 1200;";
    let both = format!("{series} {columns} {of_inbox}; {series} {columns} {of_log}; {heads}");
    fixture.database().execute(&both, &both).await.unwrap();

    let named = "SELECT count(*) FROM events e WHERE e.detail LIKE '%Zyzzyva Kim%' \
         AND (e.kind = 7 OR e.topic IN (SELECT id FROM rooms WHERE kind = 3))";
    let mut before = fixture.count(named).await;
    assert_eq!(before, 1 + 2 * 1_200);
    for _ in 0..STEPS_MAX {
        let done = service.erase_user(EraseUser { user: gone.id }).await.unwrap().value.done;
        let left = fixture.count(named).await;
        assert!(before - left <= 500, "one step has replaced {} names", before - left);
        before = left;
        if done {
            break;
        }
    }
    assert_eq!(before, 0);
    assert_eq!(service.view(direct, &jun).await.room.name.as_str(), "deleted user");
}
