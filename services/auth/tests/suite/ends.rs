//! Changed passwords, and accounts that are erased.

use madang_auth::Service;
use madang_domain::{Code, ExternalId, Timestamp, UserId, Username};
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{
    Auth as _, ChangePassword, EraseUser, ExternalUser, FinishErasure, GetUsers, Grant, IssueTicket,
    IssueUserTicket, ListRevocations, ListSessions, Login, Presented, RecognizeUser, Recognized,
    RedeemTicket, Register, TakeErasures, Token,
};

use crate::support::{
    PASSWORD, World, assert_code, client, login, password, refresh, register, seconds, session_of, username,
};

const OTHER_PASSWORD: &str = "another battery staple";

madang_test_kit::on_both!(
    a_changed_password_ends_the_other_sessions,
    a_password_is_not_changed_by_who_does_not_know_it,
    guesses_of_the_present_password_are_limited_as_sign_ins_are,
    a_sign_in_that_verified_the_former_password_makes_no_session,
    of_two_changes_at_once_one_wins,
    an_erased_account_leaves_no_name_and_no_credential,
    the_name_of_an_erased_user_rests,
    an_erasure_is_taken_until_it_is_finished,
    a_token_from_before_does_not_make_an_erased_site_user_anew,
);

fn change(grant: &Grant, current: &str, new: &str) -> ChangePassword {
    ChangePassword {
        user: grant.user.id,
        current: password(current),
        new: password(new),
        client: client(1),
        presented: Some(Presented { session: session_of(grant), issued_at: Timestamp::from_micros(0) }),
    }
}

fn sign_in(text: &str) -> Login {
    Login { username: username("mina"), password: password(text), client: client(1) }
}

async fn a_changed_password_ends_the_other_sessions(world: World) {
    let service = world.service().await;
    let (one, two, three) =
        (register(&service, "mina").await, login(&service, "mina").await, login(&service, "mina").await);
    let other = register(&service, "jun").await;
    let cursor = service.list_revocations(ListRevocations { cursor: None }).await.unwrap().cursor;
    let ticket = IssueTicket { user: one.user.id, session: session_of(&one), issued_at: None };
    let ticket = service.issue_ticket(ticket).await.unwrap().ticket;
    service.change_password(change(&two, PASSWORD, OTHER_PASSWORD)).await.unwrap();

    let mut ended = service.list_revocations(ListRevocations { cursor: Some(cursor) }).await.unwrap();
    ended.sessions.sort();
    let mut expected = vec![session_of(&one), session_of(&three)];
    expected.sort();
    assert_eq!((ended.sessions, ended.users), (expected, Vec::new()));
    for gone in [&one, &three] {
        assert_code(refresh(&service, &gone.refresh_token, client(1)).await, Code::Unauthenticated);
    }
    let redeem = RedeemTicket { ticket: Token::new(ticket), client: client(1) };
    assert_code(service.redeem_ticket(redeem).await, Code::Unauthenticated);
    refresh(&service, &two.refresh_token, client(1)).await.unwrap();
    refresh(&service, &other.refresh_token, client(1)).await.unwrap();
    let live = ListSessions { user: one.user.id, presented: None };
    assert_eq!(service.list_sessions(live).await.unwrap().len(), 1);
    assert_code(service.login(sign_in(PASSWORD)).await, Code::Unauthenticated);
    service.login(sign_in(OTHER_PASSWORD)).await.unwrap();

    // Without a session that asks, all end.
    let by_site = ChangePassword { presented: None, ..change(&two, OTHER_PASSWORD, PASSWORD) };
    service.change_password(by_site).await.unwrap();
    assert_eq!(service.list_sessions(live).await.unwrap(), []);
}

async fn a_password_is_not_changed_by_who_does_not_know_it(world: World) {
    let service = world.service().await;
    let (grant, second) = (register(&service, "mina").await, login(&service, "mina").await);
    let error = assert_code(
        service.change_password(change(&grant, "not the password", OTHER_PASSWORD)).await,
        Code::PermissionDenied,
    );
    assert_eq!(error.fields[0].pointer, "/current_password");
    for unfit in ["short", "password123", "mina"] {
        let error = assert_code(
            service.change_password(change(&grant, PASSWORD, unfit)).await,
            Code::InvalidArgument,
        );
        assert_eq!(error.fields[0].pointer, "/new_password");
    }
    let nobody =
        ChangePassword { user: UserId::new(uuid::Uuid::nil()), ..change(&grant, PASSWORD, PASSWORD) };
    assert_code(service.change_password(nobody).await, Code::NotFound);
    let site_user = recognize(&service, None, false).await.unwrap().profile.id;
    let of_site = ChangePassword { user: site_user, ..change(&grant, PASSWORD, OTHER_PASSWORD) };
    assert_code(service.change_password(of_site).await, Code::FailedPrecondition);
    // What is refused ends nothing.
    refresh(&service, &second.refresh_token, client(1)).await.unwrap();
    service.login(sign_in(PASSWORD)).await.unwrap();
}

async fn guesses_of_the_present_password_are_limited_as_sign_ins_are(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let mut refused = None;
    for number in 0..100 {
        let guess = change(&grant, &format!("guess number {number}"), OTHER_PASSWORD);
        match service.change_password(guess).await.unwrap_err() {
            error if error.code == Code::RateLimited => {
                refused = Some(number);
                break;
            }
            error => assert_eq!(error.code, Code::PermissionDenied, "{error}"),
        }
    }
    assert!(refused.is_some_and(|number| number > 1), "{refused:?}");
}

async fn a_sign_in_that_verified_the_former_password_makes_no_session(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    // Sign-ins that verify while the password changes: each ends before or after, and none has a session after it that
    // verified the former one.
    for round in 0..8 {
        let (from, to) = if round % 2 == 0 { (PASSWORD, OTHER_PASSWORD) } else { (OTHER_PASSWORD, PASSWORD) };
        let current = service.login(sign_in(from)).await.unwrap();
        let (changed, racing) =
            tokio::join!(service.change_password(change(&current, from, to)), service.login(sign_in(from)),);
        changed.unwrap();
        if let Ok(racing) = racing {
            assert_code(refresh(&service, &racing.refresh_token, client(1)).await, Code::Unauthenticated);
        }
        world.clock.advance(seconds(600));
    }
    drop(grant);
}

async fn of_two_changes_at_once_one_wins(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    let grant = register(&one, "mina").await;
    let (first, second) = tokio::join!(
        one.change_password(change(&grant, PASSWORD, OTHER_PASSWORD)),
        two.change_password(change(&grant, PASSWORD, "a third password here")),
    );
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "{first:?} {second:?}");
    let good = if first.is_ok() { OTHER_PASSWORD } else { "a third password here" };
    one.login(sign_in(good)).await.unwrap();
}

/// Every row of every table of this service as text.
async fn dump(world: &World) -> String {
    let tables = [
        "auth_users",
        "auth_sessions",
        "auth_tickets",
        "auth_revocations",
        "auth_erasures",
        "auth_api_keys",
        "auth_revocation_head",
    ];
    let mut lines = Vec::new();
    for table in tables {
        let is_sqlite = world.url().expose().starts_with("sqlite");
        let row = if is_sqlite {
            let columns = format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')");
            world.texts(&columns).await.join(" || ' ' || ")
        } else {
            "t::text".to_owned()
        };
        lines.extend(world.texts(&format!("SELECT {row} FROM {table} t")).await);
    }
    lines.join("\n")
}

async fn an_erased_account_leaves_no_name_and_no_credential(world: World) {
    const NAME: &str = "zyzzyva";
    let service = world.service().await;
    let register = Register {
        username: username(NAME),
        password: password(PASSWORD),
        name: Some("Zyzzyva Kim".parse().unwrap()),
        client: client(77),
    };
    let grant = service.register(register).await.unwrap();
    let other = crate::support::register(&service, "jun").await;
    let ticket = IssueTicket { user: grant.user.id, session: session_of(&grant), issued_at: None };
    let tickets = [
        service.issue_ticket(ticket).await.unwrap().ticket,
        service.issue_user_ticket(IssueUserTicket { user: grant.user.id, until: None }).await.unwrap().ticket,
    ];
    let before = dump(&world).await;
    assert!(before.contains(NAME) && before.contains("192.0.2.77"), "the dump sees it: {before}");

    let erase = EraseUser { user: grant.user.id };
    for _ in 0..2 {
        service.erase_user(erase).await.unwrap();
    }
    let after = dump(&world).await.to_lowercase();
    for trace in [NAME, "192.0.2.77", "test/1 ", "argon2id$v=19$m=64,t=1,p=1$zyz"] {
        assert!(!after.contains(trace), "{trace} in {after}");
    }
    assert_eq!(world.count("auth_tickets").await, 0);
    assert_eq!(world.texts("SELECT username FROM auth_users").await, ["jun"]);

    let ended = service.list_revocations(ListRevocations { cursor: None }).await.unwrap();
    assert_eq!(ended.sessions, [session_of(&grant)]);
    assert_eq!(ended.users, [(grant.user.id, world.clock.now())]);
    assert_code(refresh(&service, &grant.refresh_token, client(1)).await, Code::Unauthenticated);
    for ticket in tickets {
        let redeem = RedeemTicket { ticket: Token::new(ticket), client: client(1) };
        assert_code(service.redeem_ticket(redeem).await, Code::Unauthenticated);
    }
    let sign_in = Login { username: username(NAME), ..sign_in(PASSWORD) };
    assert_code(service.login(sign_in).await, Code::Unauthenticated);
    assert_eq!(service.get_users(GetUsers { ids: vec![grant.user.id] }).await.unwrap(), []);
    refresh(&service, &other.refresh_token, client(1)).await.unwrap();
    let nobody = EraseUser { user: UserId::new(uuid::Uuid::nil()) };
    assert_code(service.erase_user(nobody).await, Code::NotFound);
}

async fn the_name_of_an_erased_user_rests(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    service.erase_user(EraseUser { user: grant.user.id }).await.unwrap();
    let again = |name: &str| Register {
        username: username(name),
        password: password(PASSWORD),
        name: None,
        client: client(2),
    };
    // It, and what looks like it.
    for name in ["mina", "m\u{456}na"] {
        let Ok(name) = Username::new(name) else { continue };
        assert_code(service.register(again(&name)).await, Code::AlreadyExists);
    }
    // The site's user of that name gets another one.
    let given = recognize(&service, Some("mina"), false).await.unwrap().profile.username;
    assert!(given.starts_with("mina-"), "{given}");
    // An erasure that is not finished is not forgotten, nor its name.
    world.clock.advance(seconds(31 * 24 * 3_600));
    service.maintain().await.unwrap();
    assert_code(service.register(again("mina")).await, Code::AlreadyExists);
    service.finish_erasure(FinishErasure { user: grant.user.id }).await.unwrap();
    service.maintain().await.unwrap();
    service.register(again("mina")).await.unwrap();
}

async fn an_erasure_is_taken_until_it_is_finished(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    let user = register(&one, "mina").await.user.id;
    let take = TakeErasures { again: None };
    assert_eq!(one.take_erasures(take).await.unwrap(), []);
    one.erase_user(EraseUser { user }).await.unwrap();
    assert_eq!(one.take_erasures(take).await.unwrap(), [user]);
    assert_eq!(two.take_erasures(take).await.unwrap(), [], "another has it");
    world.clock.advance(seconds(10));
    one.take_erasures(TakeErasures { again: Some(user) }).await.unwrap();
    world.clock.advance(seconds(10));
    assert_eq!(two.take_erasures(take).await.unwrap(), [], "it was taken again");
    world.clock.advance(seconds(6));
    assert_eq!(two.take_erasures(take).await.unwrap(), [user], "whoever had it has gone");
    two.finish_erasure(FinishErasure { user }).await.unwrap();
    world.clock.advance(seconds(60));
    assert_eq!(one.take_erasures(take).await.unwrap(), []);
}

async fn recognize(
    service: &Service,
    name: Option<&str>,
    by_backend: bool,
) -> madang_domain::Result<Recognized> {
    recognize_as_of(service, name, None, by_backend).await
}

async fn recognize_as_of(
    service: &Service,
    name: Option<&str>,
    as_of: Option<Timestamp>,
    by_backend: bool,
) -> madang_domain::Result<Recognized> {
    let user = ExternalUser {
        external_id: ExternalId::new("site-zyzzyva").unwrap(),
        username: name.map(username),
        name: None,
        avatar_url: None,
        as_of,
    };
    service.recognize_user(RecognizeUser { user, by_backend }).await
}

async fn a_token_from_before_does_not_make_an_erased_site_user_anew(world: World) {
    let service = world.service().await;
    let first = recognize(&service, Some("zyzzyva"), false).await.unwrap().profile;
    service.erase_user(EraseUser { user: first.id }).await.unwrap();
    let erased_at = world.clock.now();
    let after = dump(&world).await.to_lowercase();
    assert!(!after.contains("zyzzyva"), "{after}");
    for as_of in [None, Some(erased_at), Some(erased_at.minus(seconds(5)))] {
        let refused = recognize_as_of(&service, Some("zyzzyva"), as_of, false).await;
        assert_code(refused, Code::Unauthenticated);
    }
    let issued_later = Some(erased_at.plus(seconds(1)));
    let anew = recognize_as_of(&service, None, issued_later, false).await.unwrap().profile;
    assert_ne!(anew.id, first.id);
    service.erase_user(EraseUser { user: anew.id }).await.unwrap();
    // The site's backend means what it says.
    let by_backend = recognize(&service, None, true).await.unwrap().profile;
    assert!(by_backend.id != first.id && by_backend.id != anew.id);
}
