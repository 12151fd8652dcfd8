//! How often somebody may try, and what happens when all try at once.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use madang_auth::{Service, Settings};
use madang_domain::{Code, Limit};
use madang_kit::Registration;
use madang_rpc::auth::{Auth as _, ClientInfo, Login, Register};

use crate::support::{
    PASSWORD, World, assert_code, assert_limit, client, login, password, register, seconds, username,
};

madang_test_kit::on_both!(
    failed_sign_ins_are_throttled_and_recover,
    an_attacked_account_lets_its_owner_in,
    one_address_cannot_try_many_accounts,
    sign_ins_that_succeed_cost_no_failures_and_have_a_rate_of_their_own,
    an_address_signs_in_at_a_bounded_rate_right_or_wrong,
    a_refusal_takes_nothing_from_others_at_the_address,
    a_flood_of_right_passwords_does_not_keep_another_address_out,
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
    let error = assert_limit(wrong().await, Limit::AccountSignIns);
    assert_eq!(error.retry_after, Some(seconds(10)));
    let right = || {
        service.login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
    };
    assert_limit(right().await, Limit::AccountSignIns);
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
    assert_limit(result, Limit::AccountSignIns);
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
    assert_limit(result, Limit::AccountSignIns);
    service
        .login(Login { username: username("mina"), password: password(PASSWORD), client: client(1) })
        .await
        .unwrap();
    let elsewhere = || {
        service.login(Login { username: username("mina"), password: password(PASSWORD), client: client(2) })
    };
    assert_limit(elsewhere().await, Limit::AccountSignIns);
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
    assert_limit(result, Limit::AddressSignIns);
    let result = service
        .login(Login { username: username("user9"), password: password(PASSWORD), client: client(2) })
        .await;
    assert_code(result, Code::Unauthenticated);
}

/// Tries to sign in, as `name` from the address that ends so.
async fn try_login(
    service: &Service,
    name: &str,
    text: &str,
    from: u8,
) -> madang_domain::Result<madang_rpc::auth::Grant> {
    let login = Login { username: username(name), password: password(text), client: client(from) };
    service.login(login).await
}

async fn sign_ins_that_succeed_cost_no_failures_and_have_a_rate_of_their_own(mut world: World) {
    world.settings = Settings {
        login_burst_per_device: 2,
        login_burst_per_address: 2,
        sign_ins_burst_per_account: 20,
        ..world.settings
    };
    let service = world.service().await;
    register(&service, "mina").await;
    register(&service, "joon").await;
    for n in 0..20 {
        try_login(&service, "mina", PASSWORD, n).await.unwrap();
    }
    let error = assert_limit(try_login(&service, "mina", PASSWORD, 30).await, Limit::AccountSignIns);
    assert_eq!(error.retry_after, Some(seconds(10)));
    // Others at the same address sign in, and a wrong password is told from one that came too soon.
    try_login(&service, "joon", PASSWORD, 1).await.unwrap();
    assert_code(try_login(&service, "mina", "wrong password", 31).await, Code::Unauthenticated);
    world.clock.advance(seconds(10));
    try_login(&service, "mina", PASSWORD, 30).await.unwrap();
}

async fn an_address_signs_in_at_a_bounded_rate_right_or_wrong(mut world: World) {
    world.settings = Settings { sign_ins_burst: 6, sign_ins_per_second: 2, ..world.settings };
    let service = world.service().await;
    register(&service, "mina").await;
    for _ in 0..5 {
        try_login(&service, "mina", PASSWORD, 1).await.unwrap();
    }
    assert_code(try_login(&service, "mina", "wrong password", 1).await, Code::Unauthenticated);
    let error = assert_limit(try_login(&service, "joon", PASSWORD, 1).await, Limit::AddressSignIns);
    assert_eq!(error.retry_after, Some(seconds(1) / 2));
    try_login(&service, "mina", PASSWORD, 2).await.unwrap();
    world.clock.advance(seconds(1));
    for _ in 0..2 {
        try_login(&service, "mina", PASSWORD, 1).await.unwrap();
    }
    assert_limit(try_login(&service, "mina", PASSWORD, 1).await, Limit::AddressSignIns);
}

async fn a_refusal_takes_nothing_from_others_at_the_address(mut world: World) {
    world.settings = Settings {
        login_burst_per_device: 2,
        login_burst_per_address: 5,
        sign_ins_burst: 5,
        ..world.settings
    };
    let service = world.service().await;
    register(&service, "mina").await;
    for _ in 0..2 {
        assert_code(try_login(&service, "joon", "wrong password", 1).await, Code::Unauthenticated);
    }
    // Somebody goes on trying one account, and is refused for it.
    for _ in 0..20 {
        assert_limit(try_login(&service, "joon", "wrong password", 1).await, Limit::AccountSignIns);
    }
    try_login(&service, "mina", PASSWORD, 1).await.unwrap();
}

async fn a_flood_of_right_passwords_does_not_keep_another_address_out(mut world: World) {
    const FLOODED: u8 = 4;
    const EACH: usize = 82;
    // One hash at once, and as many that wait as by default. A hash takes so long that on a busy machine, too, few are
    // made while the database answers.
    world.settings = Settings {
        argon2_memory_kib: 32 * 1024,
        argon2_passes: 3,
        hashing_concurrency: NonZeroUsize::new(1),
        login_burst_per_device: 1_000,
        login_burst_per_account: 1_000,
        sign_ins_burst_per_account: 1_000,
        ..world.settings
    };
    let service = world.service().await;
    register(&service, "crowd").await;
    register(&service, "mina").await;
    let done = Arc::new(AtomicUsize::new(0));
    let flood: Vec<_> = (0..EACH)
        .flat_map(|_| 1..=FLOODED)
        .map(|from| {
            let (service, done) = (service.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let result = try_login(&service, "crowd", PASSWORD, from).await;
                done.fetch_add(1, Ordering::Relaxed);
                result.map(drop)
            })
        })
        .collect();
    // So many are refused at once: the queue is full.
    let refused = FLOODED as usize * EACH - 1 - 256;
    eventually("a full queue", || done.load(Ordering::Relaxed) >= refused).await;
    let before = done.load(Ordering::Relaxed);
    try_login(&service, "mina", PASSWORD, 9).await.unwrap();
    let overtook = done.load(Ordering::Relaxed) - before;
    // One hash is under way, and one of each address goes before; more may follow while the databases answer. Without turns
    // all that wait would go before, or there would be no place.
    assert!(overtook <= 64, "{overtook} of the flood were answered first");
    for one in flood {
        one.abort();
    }
}

/// Waits for what must come soon.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(seconds(30), wait).await.unwrap_or_else(|_| panic!("{what} did not come"));
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
    let error = assert_limit(more("user3", client(1)).await, Limit::AddressRegistrations);
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
        assert_eq!(error.limit, Some(Limit::WaitingPasswords));
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
