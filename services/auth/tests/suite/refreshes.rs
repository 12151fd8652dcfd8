//! Refreshes that are repeated: answered again for a while to the same device, else the end of the session.

use madang_auth::{Service, Settings};
use madang_domain::{Code, Limit};
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{
    Auth as _, ClientInfo, GetKeys, Grant, IssueTicket, ListRevocations, ListSessions, Logout, Presented,
    RevokeSession, Token, UpdateProfile,
};

use crate::support::{
    World, assert_code, assert_limit, client, login, refresh, register, seconds, session_of, verify,
};

madang_test_kit::on_both!(
    two_tabs_that_refresh_at_once_get_the_same_successor,
    a_lost_answer_is_given_again_for_thirty_seconds,
    what_is_repeated_after_the_successor_s_use_ends_the_session,
    another_device_is_not_answered_again,
    without_a_time_for_it_no_refresh_is_repeated,
    an_exchange_is_forgotten_when_it_is_not_repeated_any_more,
    refused_refresh_tokens_of_an_address_have_a_rate,
    a_session_is_refreshed_at_a_bounded_rate,
);

/// The tokens' session has ended: the latest of them is refused, and the feed says so.
async fn assert_ended(service: &Service, grant: &Grant) {
    assert_code(refresh(service, &grant.refresh_token, client(1)).await, Code::Unauthenticated);
    let ended = service.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions;
    assert!(ended.contains(&session_of(grant)), "{ended:?}");
}

async fn two_tabs_that_refresh_at_once_get_the_same_successor(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    register(&one, "mina").await;
    for round in 0..20 {
        let grant = login(&one, "mina").await;
        let tab = |service: &Service| {
            let (service, token) = (service.clone(), grant.refresh_token.clone());
            tokio::spawn(async move { refresh(&service, &token, client(1)).await })
        };
        let tabs = [tab(&one), tab(&two), tab(&one), tab(&two)];
        let mut answers = Vec::new();
        for tab in tabs {
            answers.push(tab.await.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}")));
        }
        let jwks = one.get_keys(GetKeys).await.unwrap();
        for answer in &answers {
            assert_eq!(answer.refresh_token, answers[0].refresh_token, "round {round}");
            assert_eq!(session_of(answer), session_of(&grant));
            verify(&answer.access_token, &jwks, world.clock.now().as_seconds()).unwrap();
        }
        assert_ne!(answers[0].refresh_token, grant.refresh_token);
        refresh(&two, &answers[0].refresh_token, client(1)).await.unwrap();
    }
}

async fn a_lost_answer_is_given_again_for_thirty_seconds(world: World) {
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let second = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
    for _ in 0..3 {
        world.clock.advance(seconds(10));
        let again = refresh(&world.service().await, &first.refresh_token, client(1)).await.unwrap();
        assert_eq!(again.refresh_token, second.refresh_token);
    }
    // It is a matter of the first exchange: those that repeat it make its time no longer.
    world.clock.advance(seconds(1));
    assert_code(refresh(&service, &first.refresh_token, client(1)).await, Code::Unauthenticated);
    assert_ended(&service, &second).await;
}

async fn what_is_repeated_after_the_successor_s_use_ends_the_session(world: World) {
    let service = world.service().await;
    register(&service, "mina").await;
    // The successor was exchanged.
    let first = login(&service, "mina").await;
    let second = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
    let third = refresh(&service, &second.refresh_token, client(1)).await.unwrap();
    assert_code(refresh(&service, &first.refresh_token, client(1)).await, Code::Unauthenticated);
    assert_ended(&service, &third).await;

    // The successor's access token was shown, for each thing that auth sees.
    for what in ["ticket", "ticket, no time", "list", "revoke", "profile"] {
        let first = login(&service, "mina").await;
        let other = login(&service, "mina").await;
        world.clock.advance(seconds(1));
        let second = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
        let (user, session) = (second.user.id, session_of(&second));
        // The old access token, of a second before, shows nothing of the successor.
        let of_the_old = Some(Presented { session, issued_at: world.clock.now().minus(seconds(1)) });
        service.list_sessions(ListSessions { user, presented: of_the_old }).await.unwrap();
        let again = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
        assert_eq!(again.refresh_token, second.refresh_token, "{what}");
        world.clock.advance(seconds(2));
        let issued_at = world.clock.now().minus(seconds(2));
        let presented = Some(Presented { session, issued_at });
        match what {
            "ticket" => service
                .issue_ticket(IssueTicket { user, session, issued_at: Some(issued_at) })
                .await
                .map(drop),
            "ticket, no time" => {
                service.issue_ticket(IssueTicket { user, session, issued_at: None }).await.map(drop)
            }
            "list" => service.list_sessions(ListSessions { user, presented }).await.map(drop),
            "revoke" => {
                let session = session_of(&other);
                service.revoke_session(RevokeSession { user, session, presented }).await
            }
            _ => {
                let change = UpdateProfile { user, name: None, avatar_url: None, presented };
                service.update_profile(change).await.map(drop)
            }
        }
        .unwrap();
        assert_code(refresh(&service, &first.refresh_token, client(1)).await, Code::Unauthenticated);
        assert_ended(&service, &second).await;
    }
}

async fn another_device_is_not_answered_again(world: World) {
    let service = world.service().await;
    register(&service, "mina").await;
    let other_program = ClientInfo { user_agent: Some("other/1".to_owned()), ..client(1) };
    for stranger in [client(2), other_program, ClientInfo::default()] {
        let first = login(&service, "mina").await;
        let second = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
        assert_code(refresh(&service, &first.refresh_token, stranger).await, Code::Unauthenticated);
        assert_ended(&service, &second).await;
    }
}

async fn without_a_time_for_it_no_refresh_is_repeated(mut world: World) {
    world.settings = Settings { refresh_repeat: seconds(0), ..world.settings };
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let second = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
    assert_eq!(world.texts(SUCCESSORS).await, [""], "and nothing is kept for it");
    assert_code(refresh(&service, &first.refresh_token, client(1)).await, Code::Unauthenticated);
    assert_ended(&service, &second).await;
}

/// What is kept of the sessions' last exchanges.
const SUCCESSORS: &str = "SELECT CASE WHEN encrypted_successor IS NULL AND previous_hash IS NULL THEN '' ELSE 'kept' END FROM auth_sessions";

async fn an_exchange_is_forgotten_when_it_is_not_repeated_any_more(world: World) {
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let second = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
    world.clock.advance(seconds(30));
    service.maintain().await.unwrap();
    assert_eq!(world.texts(SUCCESSORS).await, ["kept"]);
    world.clock.advance(seconds(1));
    service.maintain().await.unwrap();
    assert_eq!(world.texts(SUCCESSORS).await, [""]);
    refresh(&service, &second.refresh_token, client(1)).await.unwrap();
    assert_eq!(world.texts(SUCCESSORS).await, ["kept"]);
    service
        .issue_ticket(IssueTicket { user: second.user.id, session: session_of(&second), issued_at: None })
        .await
        .unwrap();
    assert_eq!(world.texts(SUCCESSORS).await, [""], "or when the successor is used");
}

async fn refused_refresh_tokens_of_an_address_have_a_rate(world: World) {
    const BURST: usize = 300;
    let service = world.service().await;
    let mina = register(&service, "mina").await;
    let of_another_world = mina.refresh_token.chars().rev().collect::<String>();
    let logout = |token: &str, last| {
        let logout = Logout { refresh_token: Token::new(token), client: client(last) };
        let service = service.clone();
        async move { service.logout(logout).await }
    };
    // Good ones do not count.
    let mut token = mina.refresh_token;
    for _ in 0..BURST + 10 {
        world.clock.advance(seconds(31));
        token = refresh(&service, &token, client(1)).await.unwrap().refresh_token;
    }
    for n in 0..BURST {
        if n % 2 == 0 {
            assert_code(refresh(&service, &of_another_world, client(1)).await, Code::Unauthenticated);
        } else {
            logout(&of_another_world, 1).await.unwrap();
        }
    }
    let of_address = Limit::AddressUnknownCredentials;
    assert_limit(refresh(&service, &of_another_world, client(1)).await, of_address);
    assert_limit(logout(&of_another_world, 1).await, of_address);
    // Other addresses do not wait for this one, and this one does not wait for long.
    assert_code(refresh(&service, &of_another_world, client(2)).await, Code::Unauthenticated);
    world.clock.advance(seconds(1));
    refresh(&service, &token, client(1)).await.unwrap();
}

async fn a_session_is_refreshed_at_a_bounded_rate(world: World) {
    const BURST: usize = 60;
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let other = login(&service, "mina").await;
    let mut tokens = vec![first.refresh_token.clone()];
    for _ in 0..BURST {
        let next = refresh(&service, &tokens[tokens.len() - 1], client(1)).await.unwrap().refresh_token;
        tokens.push(next);
    }
    let [.., before, last] = &tokens[..] else { unreachable!("there are more") };
    // Wherever the token is shown, and also to hear the same answer again.
    for (token, address) in [(last, 1), (last, 2), (before, 1)] {
        assert_limit(refresh(&service, token, client(address)).await, Limit::SessionRefreshes);
    }
    // Another session of the same user does not wait, and this one has lost nothing.
    refresh(&service, &other.refresh_token, client(1)).await.unwrap();
    world.clock.advance(seconds(5));
    let grant = refresh(&service, last, client(1)).await.unwrap();
    assert_limit(refresh(&service, &grant.refresh_token, client(1)).await, Limit::SessionRefreshes);
    // A thief who keeps the session at its limit does not keep it alive.
    assert_code(refresh(&service, &first.refresh_token, client(1)).await, Code::Unauthenticated);
    assert_ended(&service, &grant).await;
}
