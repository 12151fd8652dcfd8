//! Refresh tokens, sessions and their ends.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_auth::Settings;
use madang_domain::Code;
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{
    Auth as _, ClientInfo, GetKeys, IssueTicket, ListRevocations, ListSessions, Logout, RedeemTicket,
    Refresh, RevokeSession, Token,
};

use crate::support::{World, assert_code, client, login, refresh, register, seconds, session_of, verify};

const DAY: u64 = 24 * 3_600;

madang_test_kit::on_both!(
    a_refresh_token_is_good_once_and_its_reuse_ends_the_session,
    a_user_has_so_many_sessions_and_the_oldest_ends,
    sign_ins_at_once_make_no_more_sessions_than_a_user_may_have,
    a_session_ends_when_idle_and_in_any_case,
    logout_ends_the_session,
    sessions_are_listed_and_revoked_by_their_user_alone,
    other_texts_are_no_refresh_tokens,
    tokens_are_not_in_the_database,
    what_has_expired_is_forgotten,
);

async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session(world: World) {
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let second = service
        .refresh(Refresh { refresh_token: Token::new(&first.refresh_token), client: client(1) })
        .await
        .unwrap();
    let third = service
        .refresh(Refresh { refresh_token: Token::new(&second.refresh_token), client: client(1) })
        .await
        .unwrap();
    assert_eq!(session_of(&first), session_of(&third));
    let now = world.clock.now().as_seconds();
    verify(&third.access_token, &service.get_keys(GetKeys).await.unwrap(), now).unwrap();
    let other = login(&service, "mina").await;
    assert!(service.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions.is_empty());

    // Not the token before: any of the family, however old.
    assert_code(
        service.refresh(Refresh { refresh_token: Token::new(&first.refresh_token), client: client(9) }).await,
        Code::Unauthenticated,
    );
    assert_code(
        service.refresh(Refresh { refresh_token: Token::new(&third.refresh_token), client: client(1) }).await,
        Code::Unauthenticated,
    );
    assert_eq!(
        service.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions,
        [session_of(&first)]
    );
    assert_code(
        service
            .issue_ticket(IssueTicket { user: first.user.id, session: session_of(&first), issued_at: None })
            .await,
        Code::Unauthenticated,
    );
    service
        .refresh(Refresh { refresh_token: Token::new(&other.refresh_token), client: client(1) })
        .await
        .unwrap();
}

async fn a_user_has_so_many_sessions_and_the_oldest_ends(mut world: World) {
    world.settings = Settings { sessions_per_user: 3, ..world.settings };
    let service = world.service().await;
    let joon = register(&service, "joon").await;
    let first = register(&service, "mina").await;
    let mut grants = Vec::new();
    for _ in 0..2 {
        world.clock.advance(seconds(1));
        grants.push(login(&service, "mina").await);
    }
    // The first is in use: it is not the oldest any more.
    world.clock.advance(seconds(1));
    let first = refresh(&service, &first.refresh_token, client(1)).await.unwrap();
    let start = service.list_revocations(ListRevocations { cursor: None }).await.unwrap().cursor;
    for _ in 0..2 {
        world.clock.advance(seconds(1));
        grants.push(login(&service, "mina").await);
    }
    let live = service.list_sessions(ListSessions { user: first.user.id, presented: None }).await.unwrap();
    let live: Vec<_> = live.iter().map(|session| session.id).collect();
    assert_eq!(live, [session_of(&grants[3]), session_of(&grants[2]), session_of(&first)]);
    let ended = service.list_revocations(ListRevocations { cursor: Some(start) }).await.unwrap().sessions;
    assert_eq!(ended, [session_of(&grants[0]), session_of(&grants[1])], "gateways hear of it");
    assert_code(refresh(&service, &grants[0].refresh_token, client(1)).await, Code::Unauthenticated);
    refresh(&service, &joon.refresh_token, client(1)).await.unwrap();
}

async fn sign_ins_at_once_make_no_more_sessions_than_a_user_may_have(mut world: World) {
    world.settings = Settings { sessions_per_user: 3, ..world.settings };
    let (one, two) = (world.service().await, world.service().await);
    let user = register(&one, "mina").await.user.id;
    let all = (0..20).map(|n| {
        let service = if n % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move { login(&service, "mina").await })
    });
    let grants = futures_util::future::join_all(all).await;
    assert_eq!(grants.into_iter().filter_map(Result::ok).count(), 20);
    assert_eq!(one.list_sessions(ListSessions { user, presented: None }).await.unwrap().len(), 3);
    let ended = one.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions;
    assert_eq!(ended.len(), 18);
}

async fn a_session_ends_when_idle_and_in_any_case(world: World) {
    let service = world.service().await;
    let idle = register(&service, "mina").await;
    let mut busy = login(&service, "mina").await;
    for _ in 0..3 {
        world.clock.advance(seconds(29 * DAY));
        busy = service
            .refresh(Refresh { refresh_token: Token::new(&busy.refresh_token), client: client(1) })
            .await
            .unwrap();
    }
    assert_code(
        service.refresh(Refresh { refresh_token: Token::new(&idle.refresh_token), client: client(1) }).await,
        Code::Unauthenticated,
    );
    assert_eq!(
        service.list_sessions(ListSessions { user: busy.user.id, presented: None }).await.unwrap().len(),
        1
    );
    // Five minutes before the 90 days are over, the access token is good for no longer than those.
    world.clock.advance(seconds(3 * DAY - 300));
    let last = service
        .refresh(Refresh { refresh_token: Token::new(&busy.refresh_token), client: client(1) })
        .await
        .unwrap();
    assert_eq!(last.expires_in, seconds(300));
    let ticket = service
        .issue_ticket(IssueTicket { user: last.user.id, session: session_of(&last), issued_at: None })
        .await
        .unwrap();
    let identity = service
        .redeem_ticket(RedeemTicket { ticket: Token::new(&ticket.ticket), client: ClientInfo::default() })
        .await
        .unwrap();
    assert_eq!(identity.expires_at, world.clock.now().plus(seconds(300)));
    world.clock.advance(seconds(300));
    assert_code(
        service.refresh(Refresh { refresh_token: Token::new(&last.refresh_token), client: client(1) }).await,
        Code::Unauthenticated,
    );
    assert!(
        service.list_sessions(ListSessions { user: last.user.id, presented: None }).await.unwrap().is_empty()
    );
}

async fn logout_ends_the_session(world: World) {
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let second = service
        .refresh(Refresh { refresh_token: Token::new(&first.refresh_token), client: client(1) })
        .await
        .unwrap();
    let stays = login(&service, "mina").await;
    service
        .logout(Logout { refresh_token: Token::new(&second.refresh_token), client: ClientInfo::default() })
        .await
        .unwrap();
    assert_code(
        service
            .refresh(Refresh { refresh_token: Token::new(&second.refresh_token), client: client(1) })
            .await,
        Code::Unauthenticated,
    );
    assert_eq!(
        service.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions,
        [session_of(&first)]
    );
    let left = service.list_sessions(ListSessions { user: first.user.id, presented: None }).await.unwrap();
    assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [session_of(&stays)]);
    // Again, and with what is no token: no error.
    service
        .logout(Logout { refresh_token: Token::new(&second.refresh_token), client: ClientInfo::default() })
        .await
        .unwrap();
    service
        .logout(Logout { refresh_token: Token::new("nonsense"), client: ClientInfo::default() })
        .await
        .unwrap();
    assert_eq!(service.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions.len(), 1);
}

async fn sessions_are_listed_and_revoked_by_their_user_alone(world: World) {
    let service = world.service().await;
    let first = register(&service, "mina").await;
    let signed_in_at = world.clock.now();
    world.clock.advance(seconds(60));
    let second = login(&service, "mina").await;
    let other = register(&service, "joon").await;
    world.clock.advance(seconds(60));
    let phone =
        ClientInfo { ip: Some("2001:db8::7".parse().unwrap()), user_agent: Some("phone/2\n".to_owned()) };
    service
        .refresh(Refresh { refresh_token: Token::new(&first.refresh_token), client: phone })
        .await
        .unwrap();

    let list = service.list_sessions(ListSessions { user: first.user.id, presented: None }).await.unwrap();
    assert_eq!(list.iter().map(|s| s.id).collect::<Vec<_>>(), [session_of(&second), session_of(&first)]);
    assert_eq!((list[1].created_at, list[1].used_at), (signed_in_at, world.clock.now()));
    assert_eq!(list[1].client.ip, Some("2001:db8::7".parse().unwrap()));
    assert_eq!(list[1].client.user_agent.as_deref(), Some("phone/2"));
    assert_eq!(list[0].client, client(1));

    assert_code(
        service
            .revoke_session(RevokeSession {
                user: other.user.id,
                session: session_of(&first),
                presented: None,
            })
            .await,
        Code::NotFound,
    );
    service
        .revoke_session(RevokeSession { user: first.user.id, session: session_of(&second), presented: None })
        .await
        .unwrap();
    assert_code(
        service
            .revoke_session(RevokeSession {
                user: first.user.id,
                session: session_of(&second),
                presented: None,
            })
            .await,
        Code::NotFound,
    );
    assert_code(
        service
            .refresh(Refresh { refresh_token: Token::new(&second.refresh_token), client: client(1) })
            .await,
        Code::Unauthenticated,
    );
    assert_eq!(
        service.list_sessions(ListSessions { user: first.user.id, presented: None }).await.unwrap().len(),
        1
    );
    assert_eq!(
        service.list_sessions(ListSessions { user: other.user.id, presented: None }).await.unwrap().len(),
        1
    );
}

async fn other_texts_are_no_refresh_tokens(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let ticket = service
        .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
        .await
        .unwrap()
        .ticket;
    for text in ["", "nonsense", &grant.access_token, &ticket, &"A".repeat(64), &"é".repeat(40)] {
        assert_code(
            service.refresh(Refresh { refresh_token: Token::new(text), client: client(1) }).await,
            Code::Unauthenticated,
        );
    }
    service
        .refresh(Refresh { refresh_token: Token::new(&grant.refresh_token), client: client(1) })
        .await
        .unwrap();
}

async fn tokens_are_not_in_the_database(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let ticket = service
        .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
        .await
        .unwrap()
        .ticket;
    let before = URL_SAFE_NO_PAD.decode(&grant.refresh_token).unwrap();
    let exchanged = refresh(&service, &grant.refresh_token, client(1)).await.unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&exchanged.refresh_token).unwrap();
    assert!(bytes.len() * 8 >= 256);
    let of_sessions = "family_hash || token_hash || previous_hash || encrypted_successor";
    for (table, columns) in [("auth_sessions", of_sessions), ("auth_tickets", "hash")] {
        let hex = if world.url().expose().starts_with("sqlite") {
            format!("SELECT lower(hex({columns})) FROM {table}")
        } else {
            format!("SELECT encode({columns}, 'hex') FROM {table}")
        };
        let stored = world.texts(&hex).await.join(" ");
        assert!(!stored.is_empty());
        let secret = URL_SAFE_NO_PAD.decode(&ticket).unwrap();
        for part in [&bytes[..16], &bytes[16..], &before[16..], &secret] {
            let part: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!stored.contains(&part), "{table} holds a secret");
        }
    }
}

async fn what_has_expired_is_forgotten(world: World) {
    let service = world.service().await;
    let revoked = register(&service, "mina").await;
    let expires = login(&service, "mina").await;
    service
        .issue_ticket(IssueTicket { user: expires.user.id, session: session_of(&expires), issued_at: None })
        .await
        .unwrap();
    service
        .logout(Logout { refresh_token: Token::new(&revoked.refresh_token), client: ClientInfo::default() })
        .await
        .unwrap();
    service.maintain().await.unwrap();
    assert_eq!(world.count("auth_sessions").await, 2);
    assert_eq!(world.count("auth_tickets").await, 1);
    // The end of a session is remembered until its last access token has expired by every clock.
    world.clock.advance(seconds(15 * 60 + 60));
    service.maintain().await.unwrap();
    assert_eq!((world.count("auth_sessions").await, world.count("auth_revocations").await), (2, 1));
    assert_eq!(world.count("auth_tickets").await, 0);
    world.clock.advance(seconds(1));
    service.maintain().await.unwrap();
    assert_eq!((world.count("auth_sessions").await, world.count("auth_revocations").await), (1, 0));
    world.clock.advance(seconds(32 * DAY));
    service.maintain().await.unwrap();
    assert_eq!(world.count("auth_sessions").await, 0);
    assert_eq!(world.count("auth_users").await, 1);
}
