//! The log of sign-ins and refusals: with account and address, and with nothing that is secret.

use madang_auth::Settings;
use madang_domain::Code;
use madang_rpc::auth::{Auth as _, Login, Logout, RedeemTicket, Refresh, RevokeSession, Token, VerifyApiKey};
use madang_test_kit::CapturedLog;
use serde_json::Value;

use crate::support::{
    PASSWORD, World, assert_code, client, login, password, register, seconds, session_of, username,
};

madang_test_kit::on_both!(
    sign_ins_and_refusals_are_logged_with_account_and_address,
    the_lines_of_a_flood_are_bounded,
);

/// The fields of a line that matter.
fn fields<'a>(line: &'a Value, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| line[*name].as_str().unwrap_or_else(|| panic!("{name} in {line}"))).collect()
}

async fn sign_ins_and_refusals_are_logged_with_account_and_address(mut world: World) {
    const WRONG: &str = "a wrong password";
    world.settings = Settings { login_burst_per_device: 1, register_burst: 1, ..world.settings };
    let service = world.service().await;
    let (log, _guard) = CapturedLog::begin();
    let grant = register(&service, "mina").await;
    let phone = login(&service, "mina").await;
    let lines = log.take("signed in");
    let [registered, signed_in] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(fields(registered, &["event", "account", "address"]), ["register", "mina", "192.0.2.1"]);
    let session = session_of(&phone).to_string();
    assert_eq!(fields(signed_in, &["event", "account", "session"]), ["login", "mina", &session]);

    let wrong = |name: &str| {
        let login = Login { username: username(name), password: password(WRONG), client: client(7) };
        service.login(login)
    };
    for code in [Code::Unauthenticated, Code::RateLimited] {
        assert_code(wrong("mina").await, code);
    }
    assert_code(wrong("nobody").await, Code::Unauthenticated);
    let lines = log.take("refused");
    let seen: Vec<_> =
        lines.iter().map(|line| fields(line, &["event", "account", "address", "reason"])).collect();
    assert_eq!(
        seen,
        [
            ["login", "mina", "192.0.2.7", "wrong_credentials"],
            ["login", "mina", "192.0.2.7", "throttled"],
            ["login", "nobody", "192.0.2.7", "wrong_credentials"],
        ]
    );

    // A ticket that is none, shown from somewhere.
    let ticket = RedeemTicket { ticket: Token::new("no-ticket"), client: client(9) };
    assert_code(service.redeem_ticket(ticket).await, Code::Unauthenticated);
    let lines = log.take("refused");
    assert_eq!(
        fields(&lines[0], &["event", "address", "reason"]),
        ["redeem_ticket", "192.0.2.9", "ticket_not_good"]
    );

    // A stolen refresh token, an API key that is none, an end by its user, a sign-out.
    let second = service
        .refresh(Refresh { refresh_token: Token::new(&grant.refresh_token), client: client(1) })
        .await
        .unwrap();
    let stolen = Refresh { refresh_token: Token::new(&grant.refresh_token), client: client(8) };
    assert_code(service.refresh(stolen).await, Code::Unauthenticated);
    let key = format!("mk_0123456789abcdef_{}", "A".repeat(43));
    assert_code(service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await, Code::Unauthenticated);
    let all = log.text();
    let lines = log.take("refused");
    assert_eq!(
        fields(&lines[0], &["event", "address", "reason"]),
        ["refresh", "192.0.2.8", "refresh_token_reused"]
    );
    assert_eq!(
        fields(&lines[1], &["event", "api_key", "reason"]),
        ["verify_api_key", "0123456789abcdef", "api_key_not_good"]
    );
    let last = login(&service, "mina").await;
    let (user, session) = (phone.user.id, session_of(&phone));
    service.revoke_session(RevokeSession { user, session, presented: None }).await.unwrap();
    service
        .logout(Logout { refresh_token: Token::new(&last.refresh_token), client: client(1) })
        .await
        .unwrap();
    let ends = log.text();
    for message in ["a session was revoked", "signed out"] {
        assert!(ends.contains(message), "{message}: {ends}");
    }

    // Nothing of it is secret.
    for secret in [
        PASSWORD,
        WRONG,
        &grant.refresh_token,
        &grant.access_token,
        &second.refresh_token,
        &key,
        &"A".repeat(43),
    ] {
        assert!(!all.contains(secret) && !ends.contains(secret));
    }
}

async fn the_lines_of_a_flood_are_bounded(world: World) {
    let service = world.service().await;
    let (log, _guard) = CapturedLog::begin();
    for n in 0..1_000 {
        let key = Token::new(format!("mk_{n:016x}_{}", "A".repeat(43)));
        assert_code(service.verify_api_key(VerifyApiKey { key }).await, Code::Unauthenticated);
    }
    assert_eq!(log.take("refused").len(), 200);
    world.clock.advance(seconds(1));
    let key = Token::new("mk_");
    assert_code(service.verify_api_key(VerifyApiKey { key }).await, Code::Unauthenticated);
    assert_eq!(log.take("refused")[0]["left_out"], 800);
}
