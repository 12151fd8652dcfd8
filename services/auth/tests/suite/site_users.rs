//! The embedding site's users: made on first sight, kept as the site describes them, disconnected.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use madang_auth::{Service, start};
use madang_domain::{AvatarUrl, Code, DisplayName, ExternalId, UserId, UserRef};
use madang_kit::{Host, Lifecycle, clock::Clock as _};
use madang_rpc::auth::{
    Auth as _, ClientInfo, Disconnect, ExternalUser, FindUsers, IssueTicket, IssueUserTicket,
    ListRevocations, Login, RecognizeUser, Recognized, RedeemTicket, Refresh, Register, Token,
};

use crate::support::{
    PASSWORD, World, assert_code, client, login, password, register, seconds, session_of, username,
};

madang_test_kit::on_both!(
    a_user_of_the_site_is_made_once,
    the_profile_follows_the_site,
    a_username_that_is_taken_is_replaced,
    of_many_who_see_a_user_first_one_makes_it,
    no_password_opens_a_user_of_the_site,
    users_are_found_by_either_name,
    a_disconnection_ends_everything_before_it,
    a_disconnection_is_answered_when_its_second_is_over,
    a_disconnection_is_known_to_whoever_sees_the_user_later,
);

/// A user of whom the site says nothing but the id.
fn external(id: &str) -> ExternalUser {
    ExternalUser {
        external_id: ExternalId::new(id).unwrap(),
        username: None,
        name: None,
        avatar_url: None,
        as_of: None,
    }
}

fn named(id: &str, wanted: &str, name: &str) -> ExternalUser {
    ExternalUser {
        username: Some(username(wanted)),
        name: Some(DisplayName::new(name).unwrap()),
        ..external(id)
    }
}

async fn seen(service: &Service, user: ExternalUser) -> Recognized {
    service.recognize_user(RecognizeUser { user, by_backend: false }).await.unwrap()
}

async fn a_user_of_the_site_is_made_once(world: World) {
    let service = world.service().await;
    let first = seen(&service, external("7")).await;
    assert_eq!(first.profile.external_id.as_deref(), Some("7"));
    assert_eq!((first.profile.username.as_str(), first.profile.name.as_str()), ("user-7", "user-7"));
    assert_eq!(first.disconnected_at, None);
    let replica = world.service().await;
    world.clock.advance(seconds(60));
    assert_eq!(seen(&replica, external("7")).await, first, "seen again, it is the same and unchanged");
    assert_ne!(seen(&replica, external("8")).await.profile.id, first.profile.id);
    assert_eq!(world.count("auth_users").await, 2);
    assert_eq!(world.count("auth_sessions").await, 0);
}

async fn the_profile_follows_the_site(world: World) {
    let service = world.service().await;
    let picture = |url: Option<&str>| Some(url.map(|url| AvatarUrl::new(url).unwrap()));
    let first = seen(&service, named("7", "mina", "Mina")).await.profile;
    assert_eq!((first.username.as_str(), first.name.as_str()), ("mina", "Mina"));

    world.clock.advance(seconds(10));
    let told = ExternalUser {
        avatar_url: picture(Some("https://example.org/m.png")),
        ..named("7", "mina.kim", "김미나")
    };
    let second = seen(&service, told.clone()).await.profile;
    assert_eq!((second.username.as_str(), second.name.as_str()), ("mina.kim", "김미나"));
    assert_eq!(second.avatar_url.as_deref(), Some("https://example.org/m.png"));
    assert_eq!((second.id, second.version > first.version), (first.id, true));
    assert_eq!(seen(&service, told).await.profile, second, "the same words are no change");
    assert_eq!(seen(&service, external("7")).await.profile, second, "silence changes nothing");

    // What the site said before the last change takes nothing back; in the same second it counts as later.
    let change = world.clock.now();
    world.clock.advance(seconds(10));
    let as_of = |at| ExternalUser { as_of: Some(at), ..named("7", "mina", "Mina") };
    let before = seen(&service, as_of(first.version)).await.profile;
    assert_eq!(before, second);
    let removed = ExternalUser { avatar_url: picture(None), ..as_of(change) };
    let third = seen(&service, removed).await.profile;
    assert_eq!((third.name.as_str(), third.avatar_url), ("Mina", None));
}

async fn a_username_that_is_taken_is_replaced(world: World) {
    let service = world.service().await;
    register(&service, "mina").await;
    let given = seen(&service, named("7", "mina", "Mina")).await.profile;
    assert!(given.username.starts_with("mina-") && given.username.len() == 13, "{}", given.username);
    assert_eq!(seen(&service, named("7", "mina", "Mina")).await.profile, given, "and kept");
    // Another change leaves the name alone; a name that is free is taken, one that is not is not.
    world.clock.advance(seconds(10));
    assert_eq!(seen(&service, named("7", "mina", "Kim")).await.profile.username, given.username);
    seen(&service, named("8", "joon", "Joon")).await;
    assert_eq!(seen(&service, named("7", "joon", "Kim")).await.profile.username, given.username);
    assert_eq!(seen(&service, named("7", "kim", "Kim")).await.profile.username.as_str(), "kim");
    // Nobody takes a name from the site's users either.
    let taken = service
        .register(Register {
            username: username("kim"),
            password: password(PASSWORD),
            name: None,
            client: client(1),
        })
        .await;
    assert_code(taken, Code::AlreadyExists);
}

async fn of_many_who_see_a_user_first_one_makes_it(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    register(&one, "mina").await;
    for round in 0..5 {
        let sights: Vec<_> = (0..8)
            .map(|n| {
                let service = if n % 2 == 0 { one.clone() } else { two.clone() };
                // The username is taken, so that each tries another one.
                let user = named(&round.to_string(), "mina", "Mina");
                tokio::spawn(async move {
                    loop {
                        match service
                            .recognize_user(RecognizeUser { user: user.clone(), by_backend: false })
                            .await
                        {
                            Ok(seen) => return seen.profile.id,
                            // Eight who write to one SQLite file at once on a slow disk may be told so.
                            Err(error) => assert_eq!(error.code, Code::Unavailable, "{error}"),
                        }
                    }
                })
            })
            .collect();
        let mut ids = BTreeSet::new();
        for sight in sights {
            ids.insert(sight.await.unwrap());
        }
        assert_eq!(ids.len(), 1, "round {round}");
    }
    assert_eq!(world.count("auth_users").await, 6);
}

async fn no_password_opens_a_user_of_the_site(world: World) {
    let service = world.service().await;
    seen(&service, named("7", "mina", "Mina")).await;
    for attempt in ["", " ", PASSWORD] {
        let refused = service
            .login(Login { username: username("mina"), password: password(attempt), client: client(1) })
            .await;
        assert_code(refused, Code::Unauthenticated);
    }
}

async fn users_are_found_by_either_name(world: World) {
    let service = world.service().await;
    let mina = register(&service, "mina").await.user;
    let joon = seen(&service, external("사용자/7")).await.profile;
    let nobody: UserId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    let external_id = |id: &str| UserRef::External(ExternalId::new(id).unwrap());
    let asked = [mina.id.into(), external_id("사용자/7"), joon.id.into(), nobody.into(), external_id("8")];
    let mut found = service.find_users(FindUsers { users: asked.to_vec() }).await.unwrap();
    found.sort_by_key(|profile| profile.id);
    let mut expected = vec![mina, joon];
    expected.sort_by_key(|profile| profile.id);
    assert_eq!(found, expected, "each once");
    assert_eq!(service.find_users(FindUsers { users: Vec::new() }).await.unwrap(), []);
    assert_code(
        service.find_users(FindUsers { users: vec![nobody.into(); 201] }).await,
        Code::InvalidArgument,
    );
}

async fn a_disconnection_ends_everything_before_it(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let phone = login(&service, "mina").await;
    let joon = register(&service, "joon").await;
    let user = grant.user.id;
    let of_the_site = service.issue_user_ticket(IssueUserTicket { user, until: None }).await.unwrap();
    let of_the_session = service
        .issue_ticket(IssueTicket { user, session: session_of(&phone), issued_at: None })
        .await
        .unwrap();
    let start = service.list_revocations(ListRevocations { cursor: None }).await.unwrap().cursor;

    world.clock.advance(seconds(1));
    let at = world.clock.now();
    service.disconnect(Disconnect { user }).await.unwrap();
    let feed = world.service().await.list_revocations(ListRevocations { cursor: Some(start) }).await.unwrap();
    assert_eq!(feed.users, [(user, at)]);
    let ended: BTreeSet<_> = feed.sessions.iter().copied().collect();
    assert_eq!(ended, BTreeSet::from([session_of(&grant), session_of(&phone)]));
    assert_eq!(feed.cursor, start + 3);
    assert_eq!(
        service.list_revocations(ListRevocations { cursor: Some(feed.cursor) }).await.unwrap().users,
        []
    );

    for ticket in [&of_the_site, &of_the_session] {
        assert_code(
            service
                .redeem_ticket(RedeemTicket {
                    ticket: Token::new(&ticket.ticket),
                    client: ClientInfo::default(),
                })
                .await,
            Code::Unauthenticated,
        );
    }
    for tokens in [&grant, &phone] {
        assert_code(
            service
                .refresh(Refresh { refresh_token: Token::new(&tokens.refresh_token), client: client(1) })
                .await,
            Code::Unauthenticated,
        );
    }
    service
        .refresh(Refresh { refresh_token: Token::new(&joon.refresh_token), client: client(1) })
        .await
        .unwrap();
    // Who comes again is as welcome as before.
    world.clock.advance(seconds(1));
    login(&service, "mina").await;
    let again = service.issue_user_ticket(IssueUserTicket { user, until: None }).await.unwrap();
    assert_eq!(
        service
            .redeem_ticket(RedeemTicket { ticket: Token::new(&again.ticket), client: ClientInfo::default() })
            .await
            .unwrap()
            .profile,
        grant.user
    );

    let nobody: UserId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    assert_code(service.disconnect(Disconnect { user: nobody }).await, Code::NotFound);
}

/// A token that the site makes when it has the answer says a later second than that of the disconnection, so that it is told
/// from those before. The site's clock is this machine's, as is the service's here.
async fn a_disconnection_is_answered_when_its_second_is_over(world: World) {
    let host = Host::new("auth-test", Lifecycle::default()).unwrap();
    let clock = Arc::clone(&host.clock);
    let service = start(&world.settings, &world.url(), &host).await.unwrap();
    let user = seen(&service, external("7")).await.profile.id;
    for _ in 0..3 {
        service.disconnect(Disconnect { user }).await.unwrap();
        let token_says = clock.now().as_seconds();
        let at = seen(&service, external("7")).await.disconnected_at.unwrap();
        assert!(token_says > at.as_seconds(), "made at {token_says}, disconnected at {at}");
        // A clock that is a little behind says so too.
        assert!(clock.now().minus(Duration::from_millis(200)).as_seconds() > at.as_seconds());
    }
}

async fn a_disconnection_is_known_to_whoever_sees_the_user_later(world: World) {
    let service = world.service().await;
    let user = seen(&service, external("7")).await.profile.id;
    world.clock.advance(seconds(5));
    let at = world.clock.now();
    service.disconnect(Disconnect { user }).await.unwrap();
    assert_eq!(seen(&service, external("7")).await.disconnected_at, Some(at));

    // The feed names the user for as long as a gateway may be cut off, and then forgets.
    let hour = seconds(3_600);
    world.clock.advance(23 * hour);
    service.maintain().await.unwrap();
    assert_eq!(
        service.list_revocations(ListRevocations { cursor: Some(0) }).await.unwrap().users,
        [(user, at)]
    );
    world.clock.advance(2 * hour);
    service.maintain().await.unwrap();
    assert_eq!(service.list_revocations(ListRevocations { cursor: Some(0) }).await.unwrap().users, []);
    assert_eq!(seen(&service, external("7")).await.disconnected_at, Some(at), "the account never does");
}
