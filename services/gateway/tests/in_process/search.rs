//! Search, by REST.

use madang_client::{Client, Error, NewRoom, SearchFor, SearchPage};
use madang_domain::{Code, RoomId};

use crate::support::{PATIENCE, Services, within};

/// The refusal of a call.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    match outcome {
        Err(Error::Problem(problem)) => problem.code,
        other => panic!("{other:?} is no refusal"),
    }
}

/// Searches once everything that was sent before is indexed.
async fn settled(api: &Client, what: SearchFor<'_>) -> SearchPage {
    within(PATIENCE, "the index", async {
        loop {
            let page = api.search(what).await.unwrap();
            if page.complete {
                return page;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await
}

fn texts(page: &SearchPage) -> Vec<&str> {
    page.items.iter().map(|found| &*found.text).collect()
}

/// What is marked in each message, as a browser slices it.
fn marked(page: &SearchPage) -> Vec<Vec<String>> {
    let of = |found: &madang_client::FoundMessage| {
        let units: Vec<u16> = found.text.encode_utf16().collect();
        let slice = |range: &madang_client::TextRange| {
            String::from_utf16(&units[range.start as usize..range.end as usize]).unwrap()
        };
        found.ranges.iter().map(slice).collect()
    };
    page.items.iter().map(of).collect()
}

#[tokio::test]
async fn what_is_said_at_one_gateway_is_found_at_another() {
    let services = Services::start().await;
    let gateway = || services.gateway_with(|settings| settings.sends_burst = 1_000);
    let gateways = [gateway().await, gateway().await];
    let (mina, jun, ann) =
        (services.user("mina").await, services.user("jun").await, services.user("ann").await);
    let api = gateways[0].api().with_token(&mina.token);
    let of_jun = gateways[1].api().with_token(&jun.token);
    let of_ann = gateways[1].api().with_token(&ann.token);
    let room = api.create_room(&NewRoom::public("Courtyard").slug("courtyard")).await.unwrap().id;
    of_jun.join(room).await.unwrap();
    let own = of_jun.create_room(&NewRoom::private("Notes", Vec::new())).await.unwrap().id;

    let first = api.send_message(room, "👍 오늘 서울에서 만나요", None).await.unwrap();
    of_jun.send_message(room, "Rust로 만든 서울 지도", None).await.unwrap();
    of_jun.send_message(own, "서울 숙소", None).await.unwrap();

    let page = settled(&of_jun, SearchFor::text("서울")).await;
    assert_eq!(texts(&page), ["서울 숙소", "Rust로 만든 서울 지도", "👍 오늘 서울에서 만나요"]);
    assert_eq!(marked(&page), [["서울"], ["서울"], ["서울"]]);
    let of_mina = settled(&api, SearchFor::text("서울")).await;
    assert_eq!(texts(&of_mina), ["Rust로 만든 서울 지도", "👍 오늘 서울에서 만나요"]);
    assert_eq!(texts(&settled(&of_ann, SearchFor::text("서울")).await), [""; 0], "who is in no room");

    // In one room, by one sender, at a time; in pages.
    let in_room = SearchFor { room: Some(room), ..SearchFor::text("서울") };
    assert_eq!(texts(&settled(&of_jun, in_room).await).len(), 2);
    let by_mina = SearchFor { from: Some(mina.profile.id), ..SearchFor::text("서울") };
    assert_eq!(texts(&settled(&of_jun, by_mina).await), ["👍 오늘 서울에서 만나요"]);
    let one = SearchFor { limit: Some(1), ..SearchFor::text("서울") };
    let page = settled(&of_jun, one).await;
    let next = SearchFor { cursor: page.next_cursor.as_deref(), ..one };
    assert_eq!(texts(&settled(&of_jun, next).await), ["Rust로 만든 서울 지도"]);
    let later = SearchFor { after: Some(page.items[0].at), ..SearchFor::text("서울") };
    assert!(texts(&settled(&of_jun, later).await).len() <= 1);
    assert_eq!(texts(&settled(&of_jun, SearchFor::text("rust 지도")).await), ["Rust로 만든 서울 지도"]);

    // One syllable in one room alone.
    assert_eq!(refused(of_jun.search(SearchFor::text("울")).await), Code::InvalidArgument);
    let syllable = SearchFor { room: Some(room), ..SearchFor::text("울") };
    assert_eq!(texts(&settled(&of_jun, syllable).await).len(), 2);

    // What is edited and deleted at the other gateway.
    api.edit_message(room, &first.id, "부산에서 만나요").await.unwrap();
    assert_eq!(texts(&settled(&of_jun, SearchFor::text("부산")).await), ["부산에서 만나요"]);
    api.delete_message(room, &first.id).await.unwrap();
    assert_eq!(texts(&settled(&of_jun, SearchFor::text("부산")).await), [""; 0]);

    // Who has left finds nothing there any more.
    of_jun.leave(room).await.unwrap();
    assert_eq!(texts(&settled(&of_jun, SearchFor::text("서울")).await), ["서울 숙소"]);
    assert_eq!(refused(of_jun.search(in_room).await), Code::PermissionDenied);
    let nowhere = Some(RoomId::new(uuid::Uuid::from_u128(7)));
    assert_eq!(refused(of_jun.search(SearchFor { room: nowhere, ..in_room }).await), Code::NotFound);
    let long = "가".repeat(201);
    for q in ["", " ", "…", long.as_str()] {
        assert_eq!(refused(of_jun.search(SearchFor::text(q)).await), Code::InvalidArgument, "{q:?}");
    }
}

#[tokio::test]
async fn a_room_is_named_by_its_slug_too_and_bad_queries_are_refused() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Courtyard").slug("courtyard")).await.unwrap().id;
    api.send_message(room, "밥 먹자", None).await.unwrap();
    let in_room = SearchFor { room: Some(room), ..SearchFor::text("밥") };
    settled(&api, in_room).await;
    let get = async |query: &str| {
        let path = format!("/v1/search?{query}");
        api.request(reqwest::Method::GET, &path).send().await.unwrap().status().as_u16()
    };
    assert_eq!(get("q=%EB%B0%A5&room=courtyard").await, 200);
    for query in [
        "",
        "room=courtyard",
        "q=yard&before=yesterday",
        "q=yard&from=mina",
        "q=yard&limit=0",
        "q=yard&cursor=x",
    ] {
        assert_eq!(get(query).await, 400, "{query}");
    }
}

#[tokio::test]
async fn a_search_costs_as_much_as_five_reads() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            settings.reads_per_second = 1;
            settings.reads_burst = 10;
        })
        .await;
    let mina = services.user("mina").await;
    let api = gateway.api().with_token(&mina.token);
    for _ in 0..2 {
        api.search(SearchFor::text("마당")).await.unwrap();
    }
    assert_eq!(refused(api.search(SearchFor::text("마당")).await), Code::RateLimited);
}
