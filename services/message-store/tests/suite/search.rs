//! Search: what is found, by whom, and when it may be missing.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use madang_domain::{
    Code, Emoji, Profile, Result, RoomFlagChanges, RoomHistory, RoomId, RoomRef, SearchText, Seq, Timestamp,
    UserId,
    event::{Event, EventBody},
    limits::PAGE_MAX_BYTES,
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Authority, Block, DeleteRoom, FoundMessage, Join, Leave, PageQuery, React, Search,
        SearchPage, TextRange,
    },
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};

use crate::{
    deletions::delete,
    edits::edit,
    room_flags::{NONE, set},
    support::{Fixture, Words as _, message, user},
};

madang_test_kit::on_both!(
    korean_is_found_with_and_without_particles,
    words_are_found_whole_and_without_case,
    one_syllable_is_searched_in_one_room_alone,
    composed_and_decomposed_texts_find_each_other,
    only_rooms_of_now_are_searched,
    what_newcomers_do_not_see_is_not_found,
    a_block_hides_nothing_that_was_said_in_a_room,
    a_sender_and_times_narrow_a_search,
    an_edit_is_found_by_its_present_text_alone,
    a_deleted_message_is_found_by_nothing_and_leaves_nothing,
    what_a_crash_left_unindexed_is_said_to_be_missing_and_is_found_after_the_next_start,
    replicas_index_a_message_once,
    a_room_that_cannot_be_indexed_holds_up_no_other,
    pages_have_no_gaps_and_no_repeats,
    a_page_is_bounded_in_bytes,
    a_search_for_nothing_is_refused,
    the_index_of_a_deleted_room_goes_with_its_log,
    what_is_found_is_what_a_scan_of_the_history_finds,
);

/// How long the index may be behind; a test that runs into it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn query(user: &Profile, text: &str) -> Search {
    let page = PageQuery { limit: 50, cursor: None };
    let text = SearchText::new(text).unwrap();
    Search { user: user.id, text, room: None, from: None, before: None, after: None, page }
}

/// Searches once everything that was committed before is indexed.
pub(crate) async fn settled(service: &Service, search: &Search) -> SearchPage {
    let settled = async {
        loop {
            let page = service.search(search.clone()).await.unwrap();
            if page.complete {
                return page;
            }
            // A table has nothing to await, so it is asked.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("the index caught up")
}

fn text_of(message: &Event) -> &str {
    let EventBody::Message(said) = &message.body else { panic!("{message:?}") };
    &said.text
}

fn texts(page: &SearchPage) -> Vec<&str> {
    page.items.iter().map(|found| text_of(&found.message)).collect()
}

/// What a user finds everywhere.
async fn found(service: &Service, user: &Profile, text: &str) -> Vec<String> {
    texts(&settled(service, &query(user, text)).await).into_iter().map(str::to_owned).collect()
}

async fn said(service: &Service, room: RoomId, actor: &Arc<Profile>, text: &str) -> Seq {
    // A key that no other call gives.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let key = format!("k{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let (actor, message) = (Arc::clone(actor), message(text, &key));
    service.append(Append { authority: Authority::User, room, actor, message }).await.unwrap().seq
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

/// What a text says at a place, counted as the contract says.
fn at(text: &str, range: TextRange) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    String::from_utf16(&units[range.start as usize..range.end as usize]).unwrap()
}

fn marked(found: &FoundMessage) -> Vec<String> {
    found.ranges.iter().map(|range| at(text_of(&found.message), *range)).collect()
}

async fn korean_is_found_with_and_without_particles(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for text in ["오늘 서울에서 만나요 👍", "서울은 춥다", "남서울대학교", "부산으로 가자", "서 울"]
    {
        said(&service, room, &mina, text).await;
    }
    assert_eq!(
        found(&service, &mina, "서울").await,
        ["남서울대학교", "서울은 춥다", "오늘 서울에서 만나요 👍"]
    );
    assert_eq!(found(&service, &mina, "서울에서").await, ["오늘 서울에서 만나요 👍"]);
    assert_eq!(found(&service, &mina, "부산").await, ["부산으로 가자"]);
    assert_eq!(found(&service, &mina, "서울 만나").await, ["오늘 서울에서 만나요 👍"]);
    assert_eq!(found(&service, &mina, "서울 부산").await, [""; 0]);
    assert_eq!(found(&service, &mina, "춥다고").await, [""; 0]);
    let page = settled(&service, &query(&mina, "만나 서울")).await;
    assert_eq!(marked(&page.items[0]), ["서울", "만나"]);
    assert_eq!(page.items[0].message.actor, mina, "with the sender as history shows one");
}

async fn words_are_found_whole_and_without_case(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for text in ["Deploy the API today", "deployment of the api", "Rust로 만든 API를", "CAFÉ später"] {
        said(&service, room, &mina, text).await;
    }
    assert_eq!(found(&service, &mina, "DEPLOY").await, ["Deploy the API today"]);
    assert_eq!(
        found(&service, &mina, "api").await,
        ["Rust로 만든 API를", "deployment of the api", "Deploy the API today"]
    );
    assert_eq!(found(&service, &mina, "the api deploy").await, ["Deploy the API today"]);
    assert_eq!(found(&service, &mina, "café SPÄTER").await, ["CAFÉ später"]);
    assert_eq!(found(&service, &mina, "Rust").await, ["Rust로 만든 API를"]);
}

async fn one_syllable_is_searched_in_one_room_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let (room, other) = (service.given_room(&[&mina]).await, service.given_room(&[&mina]).await);
    for text in ["밥 먹자", "볶음밥", "비빔밥을 시켰다", "빵"] {
        said(&service, room, &mina, text).await;
    }
    said(&service, other, &mina, "밥").await;
    let refused = service.search(query(&mina, "밥")).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidArgument);
    assert!(refused.message.contains("needs a room"), "{}", refused.message);
    let in_room = Search { room: Some(RoomRef::Id(room)), ..query(&mina, "밥") };
    let page = settled(&service, &in_room).await;
    assert_eq!(texts(&page), ["비빔밥을 시켰다", "볶음밥", "밥 먹자"]);
    assert_eq!(page.items.iter().flat_map(marked).collect::<Vec<_>>(), ["밥", "밥", "밥"]);
}

async fn composed_and_decomposed_texts_find_each_other(fixture: Fixture) {
    let decomposed = "\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}";
    assert_ne!(decomposed, "서울");
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    said(&service, room, &mina, "서울은 춥다").await;
    assert_eq!(found(&service, &mina, decomposed).await, ["서울은 춥다"]);
    // A text that a version recorded before texts had one form.
    fixture
        .execute("UPDATE events SET text = '\u{1109}\u{1165}\u{110b}\u{116e}\u{11af} caf\u{65}\u{301}' WHERE kind = 1")
        .await;
    fixture.execute("DELETE FROM search").await;
    fixture.execute("UPDATE search_positions SET seq = 0").await;
    let service = fixture.service().await;
    let page = settled(&service, &query(&mina, "café 서울")).await;
    assert_eq!(marked(&page.items[0]), [decomposed, "cafe\u{301}"], "in the form in which it was recorded");
}

async fn only_rooms_of_now_are_searched(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun, stranger) = (user(1), user(2), user(3));
    let room = service.given_public_room(&mina).await;
    let own = service.given_room(&[&jun]).await;
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    said(&service, room, &mina, "비밀 회의").await;
    fixture.clock.advance(Duration::from_millis(1));
    said(&service, own, &jun, "비밀 일기").await;
    assert_eq!(found(&service, &mina, "비밀").await, ["비밀 회의"]);
    assert_eq!(found(&service, &jun, "비밀").await, ["비밀 일기", "비밀 회의"]);
    assert_eq!(found(&service, &stranger, "비밀").await, [""; 0]);
    let in_room = |user: &Profile| Search { room: Some(RoomRef::Id(room)), ..query(user, "비밀") };
    assert_eq!(texts(&settled(&service, &in_room(&jun)).await), ["비밀 회의"]);
    assert_eq!(code(service.search(in_room(&stranger)).await), Some(Code::PermissionDenied));
    let nowhere = RoomRef::Id(RoomId::new(uuid::Uuid::from_u128(9)));
    let search = Search { room: Some(nowhere), ..query(&mina, "비밀") };
    assert_eq!(code(service.search(search).await), Some(Code::NotFound));

    service.leave(Leave { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(found(&service, &jun, "비밀").await, ["비밀 일기"], "who has left finds nothing there");
    assert_eq!(code(service.search(in_room(&jun)).await), Some(Code::PermissionDenied));
    service.join(Join { actor: Arc::clone(&jun), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(found(&service, &jun, "비밀").await, ["비밀 일기", "비밀 회의"], "and again once back");
}

async fn what_newcomers_do_not_see_is_not_found(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, joon) = (user(1), user(2));
    let room = service.given_public_room(&mina).await;
    said(&service, room, &mina, "옛 회의").await;
    let joined = RoomFlagChanges { history: Some(RoomHistory::Joined), ..NONE };
    set(&service, room, &mina, joined).await.unwrap();
    service.join(Join { actor: Arc::clone(&joon), room: room.into() }).await.unwrap();
    said(&service, room, &mina, "새 회의").await;
    for room in [None, Some(RoomRef::Id(room))] {
        let search = |user: &Profile| Search { room: room.clone(), ..query(user, "회의") };
        assert_eq!(texts(&settled(&service, &search(&mina)).await), ["새 회의", "옛 회의"]);
        assert_eq!(texts(&settled(&service, &search(&joon)).await), ["새 회의"]);
    }
}

async fn a_block_hides_nothing_that_was_said_in_a_room(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    service.block(Block { actor: Arc::clone(&mina), user: Arc::clone(&jun) }).await.unwrap();
    said(&service, room, &jun, "점심 메뉴").await;
    assert_eq!(found(&service, &mina, "점심").await, ["점심 메뉴"], "as history shows it");
}

async fn a_sender_and_times_narrow_a_search(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let (room, other) = (service.given_room(&[&mina, &jun]).await, service.given_room(&[&mina, &jun]).await);
    let mut times = Vec::new();
    for (number, (place, actor)) in [(room, &mina), (other, &jun), (room, &jun)].into_iter().enumerate() {
        fixture.clock.advance(Duration::from_secs(60));
        said(&service, place, actor, &format!("회의 {number}")).await;
        let of_now = Search { from: Some(actor.id), ..query(&mina, "회의") };
        times.push(settled(&service, &of_now).await.items[0].message.at);
    }
    let narrowed = async |narrow: &dyn Fn(&mut Search)| {
        let mut search = query(&mina, "회의");
        narrow(&mut search);
        texts(&settled(&service, &search).await).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(narrowed(&|_| ()).await, ["회의 2", "회의 1", "회의 0"]);
    assert_eq!(narrowed(&|search| search.from = Some(jun.id)).await, ["회의 2", "회의 1"]);
    assert_eq!(narrowed(&|search| search.from = Some(user(9).id)).await, [""; 0]);
    assert_eq!(narrowed(&|search| search.before = Some(times[2])).await, ["회의 1", "회의 0"]);
    assert_eq!(narrowed(&|search| search.after = Some(times[0])).await, ["회의 2", "회의 1"]);
    let between = |search: &mut Search| {
        (search.after, search.before) = (Some(times[0]), Some(times[2]));
        search.room = Some(RoomRef::Id(other));
    };
    assert_eq!(narrowed(&between).await, ["회의 1"]);
}

async fn an_edit_is_found_by_its_present_text_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let place = said(&service, room, &mina, "점심 메뉴").await;
    assert_eq!(found(&service, &mina, "점심").await.len(), 1);
    edit(&service, room, &mina, place, "저녁 메뉴").await.unwrap();
    // At once, too: what the index names is looked for in the present text.
    assert!(service.search(query(&mina, "점심")).await.unwrap().items.is_empty());
    assert_eq!(found(&service, &mina, "저녁").await, ["저녁 메뉴"]);
    assert_eq!(found(&service, &mina, "점심").await, [""; 0]);
    assert!(!fixture.dump_of_search().await.contains("점심"));
    // Many edits and the message itself in one piece.
    let place = said(&service, room, &mina, "하나").await;
    for text in ["두울", "세엣", "네엣"] {
        edit(&service, room, &mina, place, text).await.unwrap();
    }
    assert_eq!(found(&service, &mina, "네엣").await, ["네엣"]);
    assert_eq!(found(&service, &mina, "세엣").await, [""; 0]);
}

async fn a_deleted_message_is_found_by_nothing_and_leaves_nothing(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    let place = said(&service, room, &mina, "zyzzyva 비밀번호").await;
    said(&service, room, &mina, "무관").await;
    assert_eq!(found(&service, &mina, "비밀번호").await.len(), 1);
    let before = fixture.dump_of_search().await;
    assert!(before.contains("zyzzyva") && before.contains("비밀"), "the dump sees tokens: {before}");
    delete(&service, room, &mina, place).await.unwrap();
    // With the deletion, not with the index.
    let after = fixture.dump_of_search().await;
    assert!(!after.contains("zyzzyva") && !after.contains("비밀"), "{after}");
    assert!(service.search(query(&mina, "zyzzyva")).await.unwrap().items.is_empty());
    assert_eq!(found(&service, &mina, "비밀번호").await, [""; 0]);
    assert_eq!(found(&service, &mina, "무관").await, ["무관"]);

    // A deletion that the index has not reached yet: the text is gone, and the tokens never come.
    let place = said(&service, room, &mina, "qwertz").await;
    delete(&service, room, &mina, place).await.unwrap();
    assert_eq!(found(&service, &mina, "qwertz").await, [""; 0]);
    assert!(!fixture.dump_of_search().await.contains("qwertz"));
}

async fn what_a_crash_left_unindexed_is_said_to_be_missing_and_is_found_after_the_next_start(
    fixture: Fixture,
) {
    let service = fixture.service().await;
    let mina = user(1);
    let (room, other) = (service.given_room(&[&mina]).await, service.given_room(&[&mina]).await);
    said(&service, room, &mina, "먼저 회의").await;
    assert_eq!(found(&service, &mina, "회의").await, ["먼저 회의"]);
    fixture.refuse_index().await;
    for number in 0..3 {
        said(&service, room, &mina, &format!("회의 {number}")).await;
    }
    let page = service.search(query(&mina, "회의")).await.unwrap();
    assert_eq!((texts(&page), page.complete), (vec!["먼저 회의"], false), "the backlog is said");
    let in_room = |room| Search { room: Some(RoomRef::Id(room)), ..query(&mina, "회의") };
    assert!(!service.search(in_room(room)).await.unwrap().complete);
    assert!(service.search(in_room(other)).await.unwrap().complete, "the other room has none");
    // The indexer has tried and failed; the process dies.
    fixture.await_failures().await;
    service.lifecycle().kill();
    fixture.accept_index().await;
    let service = fixture.service().await;
    // By the comparison at its start, before anybody searches.
    fixture.await_index().await;
    assert_eq!(found(&service, &mina, "회의").await, ["회의 2", "회의 1", "회의 0", "먼저 회의"]);
}

async fn replicas_index_a_message_once(fixture: Fixture) {
    const MESSAGES: usize = 300;
    let mina = user(1);
    let room = {
        let service = fixture.service().await;
        fixture.refuse_index().await;
        let room = service.given_room(&[&mina]).await;
        for number in 0..MESSAGES {
            said(&service, room, &mina, &format!("회의 {number}")).await;
        }
        service.lifecycle().kill();
        room
    };
    fixture.accept_index().await;
    // Both find the same backlog at their start.
    let replicas = [fixture.service().await, fixture.service().await];
    for replica in &replicas {
        let search = Search { room: Some(RoomRef::Id(room)), ..query(&mina, "회의") };
        settled(replica, &search).await;
    }
    assert_eq!(fixture.count("SELECT count(*) FROM search").await, MESSAGES as i64);
    assert_eq!(fixture.count("SELECT seq FROM search_positions").await, MESSAGES as i64 + 1);
    fixture.check_index().await;
}

async fn a_room_that_cannot_be_indexed_holds_up_no_other(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let (broken, room) = (service.given_room(&[&mina]).await, service.given_room(&[&mina]).await);
    let search = |room| Search { room: Some(RoomRef::Id(room)), ..query(&mina, "회의") };
    settled(&service, &search(broken)).await;
    fixture.refuse_token("부서").await;
    said(&service, broken, &mina, "부서진 회의").await;
    said(&service, room, &mina, "다른 회의").await;
    assert_eq!(texts(&settled(&service, &search(room)).await), ["다른 회의"]);
    assert!(!service.search(search(broken)).await.unwrap().complete);
}

async fn pages_have_no_gaps_and_no_repeats(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let rooms = [service.given_room(&[&mina]).await, service.given_room(&[&mina]).await];
    let mut expected = Vec::new();
    for number in 0..25 {
        // Many at the same time.
        if number % 5 == 0 {
            fixture.clock.advance(Duration::from_millis(1));
        }
        let seq = said(&service, rooms[number % 2], &mina, &format!("회의실 {number}")).await;
        // Tokens of the query, and not the query.
        said(&service, rooms[number % 2], &mina, "회의 의실").await;
        expected.push((rooms[number % 2], seq));
    }
    for limit in [1, 4, 24, 25, 200] {
        let (mut pages, mut cursor, mut is_first) = (Vec::new(), None, true);
        while is_first || cursor.is_some() {
            let page = PageQuery { limit, cursor };
            let page = settled(&service, &Search { page, ..query(&mina, "회의실") }).await;
            assert!(page.items.len() <= limit as usize);
            if is_first {
                // What comes meanwhile is before the first page.
                said(&service, rooms[0], &mina, &format!("회의실 {limit} 나중")).await;
                settled(&service, &query(&mina, "회의실")).await;
            }
            pages.extend(page.items.into_iter().map(|found| found.message));
            (cursor, is_first) = (page.next, false);
        }
        let times: Vec<Timestamp> = pages.iter().map(|message| message.at).collect();
        assert!(times.is_sorted_by(|one, next| one >= next), "the newest first");
        let places: BTreeSet<(RoomId, Seq)> =
            pages.iter().map(|message| (message.topic.room().unwrap(), message.seq)).collect();
        assert_eq!(places.len(), pages.len(), "no repeats, by {limit}");
        assert!(expected.iter().all(|place| places.contains(place)), "no gaps, by {limit}");
    }
    for cursor in ["x", "s", "s.1", "s.zz.0.1", "p.00000000000000000000000000000000"] {
        let page = PageQuery { limit: 1, cursor: Some(cursor.to_owned()) };
        let refused = service.search(Search { page, ..query(&mina, "회의실") }).await;
        assert_eq!(code(refused), Some(Code::InvalidArgument), "{cursor}");
    }
}

async fn a_page_is_bounded_in_bytes(fixture: Fixture) {
    const CHARS: usize = 4_000;
    const FIT: usize = PAGE_MAX_BYTES.div_ceil(CHARS * 3);
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for _ in 0..9 {
        said(&service, room, &mina, &"마당".repeat(CHARS / 2)).await;
    }
    let (mut counts, mut cursor, mut is_first) = (Vec::new(), None, true);
    while is_first || cursor.is_some() {
        let page = PageQuery { limit: 200, cursor };
        let page = settled(&service, &Search { page, ..query(&mina, "마당") }).await;
        counts.push(page.items.len());
        (cursor, is_first) = (page.next, false);
    }
    assert_eq!(counts, [FIT, 9 - FIT]);
}

async fn a_search_for_nothing_is_refused(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    for text in ["…", "👍", "!?"] {
        assert_eq!(code(service.search(query(&mina, text)).await), Some(Code::InvalidArgument), "{text}");
    }
    for limit in [0, 201] {
        let page = PageQuery { limit, cursor: None };
        let refused = service.search(Search { page, ..query(&mina, "회의") }).await;
        assert_eq!(code(refused), Some(Code::InvalidArgument), "{limit}");
    }
    assert!(SearchText::new("가".repeat(201)).is_err() && SearchText::new(" \u{200b} ").is_err());
    let page = service.search(query(&mina, "회의")).await.unwrap();
    assert_eq!(
        (page.items.len(), page.next, page.complete),
        (0, None, true),
        "who is in no room has searched all"
    );
}

async fn the_index_of_a_deleted_room_goes_with_its_log(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let (room, kept) = (service.given_room(&[&mina]).await, service.given_room(&[&mina]).await);
    for room in [room, kept] {
        said(&service, room, &mina, "회의 하나").await;
    }
    assert_eq!(found(&service, &mina, "회의").await.len(), 2);
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: RoomRef::Id(room),
        })
        .await
        .unwrap();
    assert_eq!(found(&service, &mina, "회의").await.len(), 1, "a deleted room is not searched");
    fixture.clock.advance(Duration::from_secs(2 * 60 * 60));
    let service = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM purges", 0).await;
    assert_eq!(fixture.count("SELECT count(*) FROM search").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM search_positions").await, 1);
    assert_eq!(found(&service, &mina, "회의").await.len(), 1, "the other room keeps its own");
    fixture.check_index().await;
}

/// How many histories are played, unless the environment says how many.
const HISTORIES: u32 = 12;
const HISTORIES_VARIABLE: &str = "SEARCH_HISTORIES";
/// The seed of a run, to be had again; each run says its own.
const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";
const USERS: usize = 3;

#[derive(Debug, Clone)]
enum Operation {
    Say { user: usize, room: usize, words: Vec<usize> },
    Edit { message: u8, words: Vec<usize> },
    Delete { message: u8 },
    React { message: u8 },
    Leave { user: usize },
    Join { user: usize },
    Search { user: usize, words: Vec<usize>, room: Option<usize>, from: Option<usize>, limit: u32 },
}

/// Few words, which share letters and neighbours, so that they meet. Blanks, signs and particles between them.
const WORDS: [&str; 16] = [
    "서울",
    "서울에서",
    "울산",
    "산서",
    "서",
    " ",
    " 👍 ",
    "Rust",
    "rust",
    "RUST로",
    ", ",
    "ㅋㅋ",
    "ㅋ",
    "東京",
    "京都",
    "trust",
];

fn words(words: &[usize]) -> String {
    words.iter().map(|word| WORDS[*word]).collect()
}

fn operation() -> impl Strategy<Value = Operation> {
    let said = || vec(0..WORDS.len(), 1..8);
    let user = || 0..USERS;
    prop_oneof![
        6 => (user(), 0..2_usize, said()).prop_map(|(user, room, words)| Operation::Say { user, room, words }),
        3 => (any::<u8>(), said()).prop_map(|(message, words)| Operation::Edit { message, words }),
        1 => any::<u8>().prop_map(|message| Operation::Delete { message }),
        1 => any::<u8>().prop_map(|message| Operation::React { message }),
        1 => user().prop_map(|user| Operation::Leave { user }),
        1 => user().prop_map(|user| Operation::Join { user }),
        4 => (
            user(),
            vec(0..WORDS.len(), 1..4),
            proptest::option::of(0..2_usize),
            proptest::option::weighted(0.2, user()),
            1..5_u32,
        )
            .prop_map(|(user, words, room, from, limit)| Operation::Search { user, words, room, from, limit }),
    ]
}

/// The parts of a text by the plainest means: letters that are Korean, Chinese or signs of laughter make runs, other
/// letters words.
fn naive_parts(text: &str) -> Vec<(bool, String)> {
    let mut parts: Vec<(bool, String)> = Vec::new();
    let mut last = None;
    for c in text.to_lowercase().chars() {
        let kind = c.is_alphabetic().then(|| !c.is_ascii());
        match (kind, parts.last_mut()) {
            (Some(_), Some((_, part))) if kind == last => part.push(c),
            (Some(is_run), _) => parts.push((is_run, c.to_string())),
            (None, _) => {}
        }
        last = kind;
    }
    parts
}

fn naive_match(query: &str, text: &str) -> bool {
    let said = naive_parts(text);
    naive_parts(query).iter().all(|(is_run, wanted)| {
        said.iter().any(|(of_run, part)| {
            is_run == of_run && if *is_run { part.contains(wanted.as_str()) } else { part == wanted }
        })
    })
}

/// A message of a history.
#[derive(Debug, Clone)]
struct Said {
    room: usize,
    seq: Seq,
    sender: UserId,
    /// None once it is deleted.
    text: Option<String>,
}

struct Stage<'a> {
    service: &'a Service,
    rooms: [RoomId; 2],
    people: Vec<Arc<Profile>>,
    /// Who is in the second room; all are in the first.
    members: BTreeSet<usize>,
    said: Vec<Said>,
}

impl Stage<'_> {
    fn message(&mut self, number: u8) -> Option<&mut Said> {
        let length = self.said.len().max(1);
        self.said.get_mut(usize::from(number) % length).filter(|said| said.text.is_some())
    }

    async fn play(&mut self, operation: &Operation) {
        let (service, rooms) = (self.service, self.rooms);
        let people = self.people.clone();
        match operation {
            Operation::Say { user, room, words: said_words } => {
                let text = words(said_words);
                let text = if text.trim().is_empty() { "…".to_owned() } else { text };
                if *room == 1 && !self.members.contains(user) {
                    return;
                }
                let seq = said(service, rooms[*room], &people[*user], &text).await;
                self.said.push(Said { room: *room, seq, sender: people[*user].id, text: Some(text) });
            }
            Operation::Edit { message, words: new } => {
                let Some(said) = self.message(*message) else { return };
                let text = words(new);
                let sender = people.iter().find(|person| person.id == said.sender).unwrap();
                let room = said.room;
                if !text.trim().is_empty()
                    && edit(service, rooms[room], sender, said.seq, &text).await.is_ok()
                {
                    said.text = Some(text);
                }
            }
            Operation::Delete { message } => {
                let Some(said) = self.message(*message) else { return };
                // The owner of both rooms may.
                delete(service, rooms[said.room], &people[0], said.seq).await.unwrap();
                said.text = None;
            }
            Operation::React { message } => {
                let Some(said) = self.message(*message) else { return };
                let (room, message) = (RoomRef::Id(rooms[said.room]), said.seq);
                let emoji = Emoji::new("👍").unwrap();
                let actor = Arc::clone(&people[0]);
                service.react(React { actor, room, message, emoji, on: true }).await.unwrap();
            }
            Operation::Leave { user } if *user != 0 && self.members.remove(user) => {
                let room = RoomRef::Id(rooms[1]);
                service.leave(Leave { actor: Arc::clone(&people[*user]), room }).await.unwrap();
            }
            Operation::Join { user } if self.members.insert(*user) => {
                let room = RoomRef::Id(rooms[1]);
                service.join(Join { actor: Arc::clone(&people[*user]), room }).await.unwrap();
            }
            Operation::Leave { .. } | Operation::Join { .. } => {}
            Operation::Search { user, words: of, room, from, limit } => {
                self.search(*user, &words(of), *room, *from, *limit).await;
            }
        }
    }

    async fn search(&self, user: usize, text: &str, room: Option<usize>, from: Option<usize>, limit: u32) {
        let parts = naive_parts(text);
        let single = parts.iter().all(|(is_run, part)| *is_run && part.chars().count() == 1);
        if parts.is_empty()
            || (single && room.is_none())
            || (room == Some(1) && !self.members.contains(&user))
        {
            return;
        }
        let from = from.map(|from| self.people[from].id);
        let search = Search {
            room: room.map(|room| RoomRef::Id(self.rooms[room])),
            from,
            ..query(&self.people[user], text)
        };
        let (mut found, mut cursor, mut is_first) = (Vec::new(), None, true);
        while is_first || cursor.is_some() {
            let page = PageQuery { limit, cursor };
            let page = settled(self.service, &Search { page, ..search.clone() }).await;
            for item in &page.items {
                let marked = marked(item).concat().to_lowercase();
                for (_, part) in &parts {
                    assert!(marked.contains(part.as_str()), "{part} is marked in {item:?}");
                }
                found.push((item.message.topic.room().unwrap(), item.message.seq));
            }
            (cursor, is_first) = (page.next, false);
        }
        let sees = |said: &&Said| {
            (said.room == 0 || self.members.contains(&user))
                && room.is_none_or(|room| said.room == room)
                && from.is_none_or(|from| said.sender == from)
                && said.text.as_deref().is_some_and(|said| naive_match(text, said))
        };
        // Each is said at a time of its own.
        let scanned: Vec<_> =
            self.said.iter().rev().filter(sees).map(|said| (self.rooms[said.room], said.seq)).collect();
        assert_eq!(found, scanned, "{text:?} in {room:?} by {from:?}, {:#?}", self.said);
    }
}

async fn what_is_found_is_what_a_scan_of_the_history_finds(fixture: Fixture) {
    let service = fixture.service().await;
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number(SEED_VARIABLE).unwrap_or_else(|| RandomState::new().hash_one(()));
    #[expect(clippy::print_stdout, reason = "a test that fails shows what it printed")]
    {
        println!("{SEED_VARIABLE}={seed} has the same histories again");
    }
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let mut runner = TestRunner::new(config);
    for history in 0..number(HISTORIES_VARIABLE).unwrap_or_else(|| HISTORIES.into()) {
        let operations = vec(operation(), 1..50).new_tree(&mut runner).unwrap().current();
        // People who are in no room of another history.
        let first = u128::from(history) * USERS as u128;
        let people: Vec<_> = (first..first + USERS as u128).map(user).collect();
        let first = service.given_room(&people.iter().collect::<Vec<_>>()).await;
        let second = service.given_public_room(&people[0]).await;
        let mut stage = Stage {
            service: &service,
            rooms: [first, second],
            people,
            members: BTreeSet::from([0]),
            said: Vec::new(),
        };
        for operation in &operations {
            fixture.clock.advance(Duration::from_millis(1));
            stage.play(operation).await;
        }
    }
    fixture.check_index().await;
}
