//! Slugs that were given up rest before another owner may take them.

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, Profile, Result, RoomDetailChanges, RoomFlagChanges, RoomId};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Authority, CreateRoom, DeleteRoom, NewRoom, RoomKind, UpdateRoom},
};

use crate::support::{Fixture, Words as _, room_of, slug, user};

madang_test_kit::on_both!(
    a_slug_that_was_given_up_rests_before_another_owner_takes_it,
    a_slug_of_a_deleted_room_rests_too,
    the_site_takes_a_slug_that_rests,
    who_takes_a_slug_at_the_moment_it_is_given_up_does_not_get_it,
    slugs_that_have_rested_are_forgotten,
);

const REST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn of_slug(text: &str) -> NewRoom {
    NewRoom { slug: Some(slug(text)), ..room_of(RoomKind::Public, "Room", &[]) }
}

async fn make(service: &Service, actor: &Arc<Profile>, text: &str) -> Result<RoomId> {
    Ok(service.make(actor, of_slug(text)).await?.value.room.id)
}

async fn give(service: &Service, actor: &Arc<Profile>, room: RoomId, text: Option<&str>) -> Result<()> {
    let (actor, slug) = (Arc::clone(actor), Some(text.map(slug)));
    service
        .update_room(UpdateRoom {
            authority: Authority::User,
            actor: Some(actor),
            room: room.into(),
            name: None,
            slug,
            flags: RoomFlagChanges::default(),
            details: RoomDetailChanges::default(),
        })
        .await
        .map(drop)
}

fn refused<T: std::fmt::Debug>(outcome: Result<T>) {
    let refusal = outcome.unwrap_err();
    assert_eq!((refusal.code, &*refusal.fields[0].pointer), (Code::AlreadyExists, "/slug"));
}

async fn a_slug_that_was_given_up_rests_before_another_owner_takes_it(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = make(&service, &mina, "yard").await.unwrap();
    let juns = make(&service, &jun, "juns").await.unwrap();
    give(&service, &mina, room, Some("garden")).await.unwrap();
    refused(make(&service, &jun, "yard").await);
    refused(give(&service, &jun, juns, Some("yard")).await);
    // What was refused is not half done.
    assert_eq!(service.view(juns, &jun).await.room.slug, Some(slug("juns")));
    refused(make(&service, &mina, "juns").await);

    // The room may have it back, and its owner for another room.
    give(&service, &mina, room, Some("yard")).await.unwrap();
    give(&service, &mina, room, None).await.unwrap();
    let second = make(&service, &mina, "yard").await.unwrap();
    give(&service, &mina, second, None).await.unwrap();

    // By a moment too early, and then.
    fixture.clock.advance(REST - Duration::from_micros(1));
    refused(make(&service, &jun, "yard").await);
    fixture.clock.advance(Duration::from_micros(1));
    give(&service, &jun, juns, Some("yard")).await.unwrap();
    give(&service, &jun, juns, None).await.unwrap();
    refused(make(&service, &mina, "yard").await);
}

async fn a_slug_of_a_deleted_room_rests_too(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = make(&service, &mina, "yard").await.unwrap();
    service
        .delete_room(DeleteRoom {
            authority: Authority::User,
            actor: Some(Arc::clone(&mina)),
            room: room.into(),
        })
        .await
        .unwrap();
    refused(make(&service, &jun, "yard").await);
    make(&service, &mina, "yard").await.unwrap();
}

async fn the_site_takes_a_slug_that_rests(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = make(&service, &mina, "yard").await.unwrap();
    give(&service, &mina, room, None).await.unwrap();
    let by = |authority| CreateRoom { actor: Arc::clone(&jun), authority, room: of_slug("yard") };
    refused(service.create_room(by(Authority::User)).await);
    service.create_room(by(Authority::Site)).await.unwrap();
}

async fn who_takes_a_slug_at_the_moment_it_is_given_up_does_not_get_it(fixture: Fixture) {
    let replicas = [fixture.service().await, fixture.service().await];
    let (mina, jun) = (user(1), user(2));
    let juns = make(&replicas[1], &jun, "juns").await.unwrap();
    for number in 0..20 {
        let text = format!("yard-{number}");
        let room = make(&replicas[0], &mina, &text).await.unwrap();
        let (given_up, made, renamed) = tokio::join!(
            give(&replicas[0], &mina, room, None),
            make(&replicas[1], &jun, &text),
            give(&replicas[1], &jun, juns, Some(&text)),
        );
        given_up.unwrap();
        refused(made);
        refused(renamed);
    }
}

async fn slugs_that_have_rested_are_forgotten(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    for text in ["yard", "garden"] {
        let room = make(&service, &mina, text).await.unwrap();
        give(&service, &mina, room, None).await.unwrap();
        fixture.clock.advance(Duration::from_micros(2));
    }
    // A replica that starts looks for what has rested: the first has.
    fixture.clock.advance(REST - Duration::from_micros(3));
    let _second = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM resting_slugs", 1).await;
    refused(make(&service, &user(2), "garden").await);
}
