//! How often somebody may try, and what happens when all try at once.

use std::num::NonZeroUsize;

use madang_auth::Settings;
use madang_domain::Code;
use madang_kit::Registration;
use madang_rpc::auth::{Auth as _, ClientInfo, Login, Register};

use crate::support::{PASSWORD, World, assert_code, client, login, password, register, seconds, username};

madang_test_kit::on_both!(
    failed_sign_ins_are_throttled_and_recover,
    an_attacked_account_lets_its_owner_in,
    one_address_cannot_try_many_accounts,
    sign_ins_that_succeed_are_not_throttled,
    registrations_from_one_address_are_throttled,
    a_closed_registration_refuses_everybody_and_tells_nothing,
    more_passwords_than_can_be_hashed_are_refused_at_once,
);

async fn failed_sign_ins_are_throttled_and_recover(mut world: World) {
    world.settings = Settings { login_burst_per_device: 3, ..world.settings };
    let service = world.service().await;
    register(&service, "mina").await;
    let wrong = || {
        service.login(Login {
            username: username("mina"),
            password: password("wrong password"),
            client: client(1),
        })
    };
    for _ in 0..3 {
        assert_code(wrong().await, Code::Unauthenticated);
    }
    let error = assert_code(wrong().await, Code::RateLimited);
    assert_eq!(error.retry_after, Some(seconds(10)));
    let right = || {
        service.login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
    };
    assert_code(right().await, Code::RateLimited);
    world.clock.advance(seconds(10));
    right().await.unwrap();
    // A name that nobody has is throttled in the same way: the throttle tells nothing either.
    for _ in 0..3 {
        let result = service
            .login(Login { username: username("nobody"), password: password(PASSWORD), client: client(1) })
            .await;
        assert_code(result, Code::Unauthenticated);
    }
    let result = service
        .login(Login { username: username("nobody"), password: password(PASSWORD), client: client(1) })
        .await;
    assert_code(result, Code::RateLimited);
}

async fn an_attacked_account_lets_its_owner_in(mut world: World) {
    world.settings = Settings { login_burst_per_account: 20, ..world.settings };
    let service = world.service().await;
    // The owner has a session from address 1.
    register(&service, "mina").await;
    for attacker in 100..120 {
        let result = service
            .login(Login {
                username: username("mina"),
                password: password("wrong password"),
                client: client(attacker),
            })
            .await;
        assert_code(result, Code::Unauthenticated);
    }
    let result = service
        .login(Login {
            username: username("mina"),
            password: password("wrong password"),
            client: client(130),
        })
        .await;
    assert_code(result, Code::RateLimited);
    service
        .login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
        .await
        .unwrap();
    let elsewhere = || {
        service.login(Login { username: username("mina"), password: password(PASSWORD), client: client(2) })
    };
    assert_code(elsewhere().await, Code::RateLimited);
    world.clock.advance(seconds(10));
    elsewhere().await.unwrap();
}

async fn one_address_cannot_try_many_accounts(mut world: World) {
    world.settings = Settings { login_burst_per_address: 5, ..world.settings };
    let service = world.service().await;
    for n in 0..5 {
        let result = service
            .login(Login {
                username: username(&format!("user{n}")),
                password: password(PASSWORD),
                client: client(1),
            })
            .await;
        assert_code(result, Code::Unauthenticated);
    }
    let result = service
        .login(Login { username: username("user9"), password: password(PASSWORD), client: client(1) })
        .await;
    assert_code(result, Code::RateLimited);
    let result = service
        .login(Login { username: username("user9"), password: password(PASSWORD), client: client(2) })
        .await;
    assert_code(result, Code::Unauthenticated);
}

async fn sign_ins_that_succeed_are_not_throttled(mut world: World) {
    world.settings = Settings { login_burst_per_device: 2, login_burst_per_address: 2, ..world.settings };
    let service = world.service().await;
    register(&service, "mina").await;
    for _ in 0..50 {
        service
            .login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
            .await
            .unwrap();
    }
}

async fn registrations_from_one_address_are_throttled(mut world: World) {
    world.settings = Settings { register_burst: 2, ..world.settings };
    let service = world.service().await;
    register(&service, "user1").await;
    register(&service, "user2").await;
    let more = |name: &'static str, from| {
        service.register(Register {
            username: username(name),
            password: password(PASSWORD),
            name: None,
            client: from,
        })
    };
    let error = assert_code(more("user3", client(1)).await, Code::RateLimited);
    assert_eq!(error.retry_after, Some(seconds(2)));
    more("user3", client(2)).await.unwrap();
    more("user4", ClientInfo::default()).await.unwrap();
    world.clock.advance(seconds(2));
    more("user5", client(1)).await.unwrap();
}

async fn a_closed_registration_refuses_everybody_and_tells_nothing(mut world: World) {
    let open = world.service().await;
    register(&open, "mina").await;
    world.settings = Settings { registration: Registration::Closed, ..world.settings };
    let closed = world.service().await;
    let attempt = |name, text| {
        let (username, password) = (username(name), password(text));
        closed.register(Register { username, password, name: None, client: client(1) })
    };
    let new = assert_code(attempt("joon", PASSWORD).await, Code::PermissionDenied);
    assert!(new.message.contains("registration is closed"), "{new}");
    // A name that is taken and a password that is too short get the same answer.
    assert_eq!(assert_code(attempt("mina", PASSWORD).await, Code::PermissionDenied).message, new.message);
    assert_eq!(assert_code(attempt("joon", "x").await, Code::PermissionDenied).message, new.message);
    assert_eq!(world.count("auth_users").await, 1);
    // Who has an account goes on.
    login(&closed, "mina").await;
}

async fn more_passwords_than_can_be_hashed_are_refused_at_once(mut world: World) {
    // One hash at once, of about half a second, and one that waits.
    world.settings = Settings {
        argon2_memory_kib: 64 * 1024,
        argon2_passes: 8,
        hashing_concurrency: NonZeroUsize::new(1),
        hashing_queue: 1,
        ..world.settings
    };
    let service = world.service().await;
    let logins = (0..10).map(|n| {
        let service = service.clone();
        async move {
            let start = std::time::Instant::now();
            let result = service
                .login(Login {
                    username: username(&format!("user{n}")),
                    password: password(PASSWORD),
                    client: client(n),
                })
                .await;
            (result.unwrap_err(), start.elapsed())
        }
    });
    let results = futures_util::future::join_all(logins).await;
    let (refused, hashed): (Vec<_>, Vec<_>) =
        results.into_iter().partition(|(e, _)| e.code == Code::RateLimited);
    assert_eq!(hashed.len(), 2, "one was hashed, one waited");
    let first = hashed.iter().map(|(_, took)| *took).min().unwrap();
    for (error, took) in &refused {
        assert!(error.retry_after.is_some());
        assert!(*took < first, "refused after {took:?}; a hash takes {first:?}");
    }
    // To be refused for want of capacity is no failed attempt.
    assert_code(
        service
            .login(Login { username: username("user9"), password: password(PASSWORD), client: client(9) })
            .await,
        Code::Unauthenticated,
    );
}
