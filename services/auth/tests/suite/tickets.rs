//! One-time tickets.

use madang_domain::{Code, ExternalId, UserId};
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{
    Auth as _, ClientInfo, CredentialIssuer, ExternalUser, IssueTicket, IssueUserTicket, RecognizeUser,
    RedeemTicket, RevokeSession, Token,
};

use crate::support::{World, assert_code, login, register, seconds, session_of};

madang_test_kit::on_both!(
    a_ticket_is_good_once,
    of_two_who_redeem_at_once_one_wins,
    a_ticket_expires,
    a_ticket_needs_a_live_session_of_its_user,
    the_site_lets_its_user_in_by_a_ticket,
);

async fn a_ticket_is_good_once(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let ticket = service
        .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
        .await
        .unwrap();
    assert_eq!(ticket.expires_in, seconds(30));
    assert!(ticket.ticket.len() >= 43, "256 bits in base64url");
    // Any replica redeems it.
    let replica = world.service().await;
    let identity = replica
        .redeem_ticket(RedeemTicket { ticket: Token::new(&ticket.ticket), client: ClientInfo::default() })
        .await
        .unwrap();
    assert_eq!(identity.profile, grant.user);
    assert_eq!(identity.session, session_of(&grant));
    assert_eq!((identity.issued_at, identity.issuer), (world.clock.now(), CredentialIssuer::Auth));
    assert_eq!(identity.expires_at, world.clock.now().plus(seconds(15 * 60)));
    assert_code(
        service
            .redeem_ticket(RedeemTicket { ticket: Token::new(&ticket.ticket), client: ClientInfo::default() })
            .await,
        Code::Unauthenticated,
    );
    for text in ["", "nonsense", &grant.refresh_token, &"A".repeat(43)] {
        assert_code(
            service
                .redeem_ticket(RedeemTicket { ticket: Token::new(text), client: ClientInfo::default() })
                .await,
            Code::Unauthenticated,
        );
    }
}

async fn of_two_who_redeem_at_once_one_wins(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    let grant = register(&one, "mina").await;
    for round in 0..20 {
        let ticket = one
            .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
            .await
            .unwrap()
            .ticket;
        let redeem = |service: &madang_auth::Service| {
            let (service, ticket) = (service.clone(), ticket.clone());
            tokio::spawn(async move {
                service
                    .redeem_ticket(RedeemTicket {
                        ticket: Token::new(&ticket),
                        client: ClientInfo::default(),
                    })
                    .await
                    .is_ok()
            })
        };
        let (first, second) = (redeem(&one), redeem(&two));
        assert!(first.await.unwrap() ^ second.await.unwrap(), "round {round}");
    }
}

async fn a_ticket_expires(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let early = service
        .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
        .await
        .unwrap();
    let late = service
        .issue_ticket(IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None })
        .await
        .unwrap();
    world.clock.advance(seconds(29));
    service
        .redeem_ticket(RedeemTicket { ticket: Token::new(&early.ticket), client: ClientInfo::default() })
        .await
        .unwrap();
    world.clock.advance(seconds(1));
    assert_code(
        service
            .redeem_ticket(RedeemTicket { ticket: Token::new(&late.ticket), client: ClientInfo::default() })
            .await,
        Code::Unauthenticated,
    );
}

async fn a_ticket_needs_a_live_session_of_its_user(world: World) {
    let service = world.service().await;
    let mina = register(&service, "mina").await;
    let joon = register(&service, "joon").await;
    assert_code(
        service
            .issue_ticket(IssueTicket { user: joon.user.id, session: session_of(&mina), issued_at: None })
            .await,
        Code::Unauthenticated,
    );
    let nobody: UserId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    assert_code(
        service.issue_ticket(IssueTicket { user: nobody, session: session_of(&mina), issued_at: None }).await,
        Code::Unauthenticated,
    );

    let made_before = service
        .issue_ticket(IssueTicket { user: mina.user.id, session: session_of(&mina), issued_at: None })
        .await
        .unwrap();
    service
        .revoke_session(RevokeSession { user: mina.user.id, session: session_of(&mina), presented: None })
        .await
        .unwrap();
    assert_code(
        service
            .redeem_ticket(RedeemTicket {
                ticket: Token::new(&made_before.ticket),
                client: ClientInfo::default(),
            })
            .await,
        Code::Unauthenticated,
    );
    assert_code(
        service
            .issue_ticket(IssueTicket { user: mina.user.id, session: session_of(&mina), issued_at: None })
            .await,
        Code::Unauthenticated,
    );

    let again = login(&service, "mina").await;
    service
        .issue_ticket(IssueTicket { user: mina.user.id, session: session_of(&again), issued_at: None })
        .await
        .unwrap();
}

async fn the_site_lets_its_user_in_by_a_ticket(world: World) {
    let service = world.service().await;
    let external_id = ExternalId::new("7").unwrap();
    let user = ExternalUser { external_id, username: None, name: None, avatar_url: None, as_of: None };
    let profile = service.recognize_user(RecognizeUser { user, by_backend: false }).await.unwrap().profile;
    let ticket = service.issue_user_ticket(IssueUserTicket { user: profile.id, until: None }).await.unwrap();
    assert_eq!(ticket.expires_in, seconds(30));
    let made_at = world.clock.now();
    world.clock.advance(seconds(29));
    let identity = world
        .service()
        .await
        .redeem_ticket(RedeemTicket { ticket: Token::new(&ticket.ticket), client: ClientInfo::default() })
        .await
        .unwrap();
    assert_eq!(identity.profile, profile);
    assert_eq!((identity.issued_at, identity.issuer), (made_at, CredentialIssuer::Site));
    assert_eq!(identity.expires_at, world.clock.now().plus(seconds(15 * 60)));
    assert_code(
        service
            .redeem_ticket(RedeemTicket { ticket: Token::new(&ticket.ticket), client: ClientInfo::default() })
            .await,
        Code::Unauthenticated,
    );
    // What the site's word is good for is not made longer by a ticket.
    let until = world.clock.now().plus(seconds(90));
    let bounded =
        service.issue_user_ticket(IssueUserTicket { user: profile.id, until: Some(until) }).await.unwrap();
    assert_eq!(
        service
            .redeem_ticket(RedeemTicket {
                ticket: Token::new(&bounded.ticket),
                client: ClientInfo::default()
            })
            .await
            .unwrap()
            .expires_at,
        until
    );
    let late = service.issue_user_ticket(IssueUserTicket { user: profile.id, until: None }).await.unwrap();
    assert_ne!(late.ticket, ticket.ticket);
    world.clock.advance(seconds(30));
    assert_code(
        service
            .redeem_ticket(RedeemTicket { ticket: Token::new(&late.ticket), client: ClientInfo::default() })
            .await,
        Code::Unauthenticated,
    );
    let nobody: UserId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    assert_code(
        service.issue_user_ticket(IssueUserTicket { user: nobody, until: None }).await,
        Code::NotFound,
    );
}
