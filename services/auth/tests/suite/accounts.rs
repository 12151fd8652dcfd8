//! Accounts, passwords, profiles.

use std::time::Instant;

use madang_auth::Settings;
use madang_domain::{AvatarUrl, Code, DisplayName, UserId};
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{
    Auth as _, ClientInfo, GetKeys, GetUsers, IssueTicket, Login, RedeemTicket, Refresh, Register, Token,
    UpdateProfile,
};

use crate::support::{
    PASSWORD, World, assert_code, client, login, password, register, seconds, username, verify,
};

madang_test_kit::on_both!(
    an_account_signs_in_with_tokens_that_the_public_keys_verify,
    a_name_belongs_to_one,
    a_bad_password_is_refused_at_registration,
    a_wrong_password_and_an_unknown_user_look_the_same,
    an_old_hash_is_replaced_at_sign_in,
    a_profile_change_shows_in_tokens_and_tickets_made_later,
    profiles_are_found_by_id,
);

async fn an_account_signs_in_with_tokens_that_the_public_keys_verify(world: World) {
    let service = world.service().await;
    let registered = register(&service, "Mina.Kim").await;
    let grant = login(&service, "mina.kim").await;
    assert_eq!(registered.user, grant.user);
    assert_eq!(grant.user.username.as_str(), "mina.kim");
    assert_eq!(grant.user.name.as_str(), "mina.kim", "the name to show is the username at first");
    assert_eq!(grant.expires_in, seconds(15 * 60));

    let now = world.clock.now().as_seconds();
    let (header, claims) =
        verify(&grant.access_token, &service.get_keys(GetKeys).await.unwrap(), now).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(header.alg, jsonwebtoken::Algorithm::EdDSA);
    assert_eq!(claims.sub, grant.user.id.to_string());
    assert_eq!((claims.iat, claims.exp), (now, now + 15 * 60));
    assert_eq!(claims.preferred_username, "mina.kim");
    assert_eq!(claims.profile_version, grant.user.version.as_micros());
    let (_, other) =
        verify(&registered.access_token, &service.get_keys(GetKeys).await.unwrap(), now).unwrap();
    assert_ne!(claims.jti, other.jti);
    assert_ne!(claims.sid, other.sid);
    assert_ne!(registered.refresh_token, grant.refresh_token);
}

async fn a_name_belongs_to_one(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    let (first, second) = tokio::join!(
        one.register(Register {
            username: username("mina"),
            password: password(PASSWORD),
            name: None,
            client: client(1)
        }),
        two.register(Register {
            username: username("MINA"),
            password: password(PASSWORD),
            name: None,
            client: client(2)
        }),
    );
    assert_eq!([&first, &second].iter().filter(|result| result.is_ok()).count(), 1);
    assert_code(first.and(second), Code::AlreadyExists);
    assert_code(
        one.register(Register {
            username: username("mina"),
            password: password(PASSWORD),
            name: None,
            client: client(1),
        })
        .await,
        Code::AlreadyExists,
    );
    assert_eq!(world.count("auth_users").await, 1);
    assert_eq!(world.count("auth_sessions").await, 1, "who did not get the name got no session either");
}

async fn a_bad_password_is_refused_at_registration(world: World) {
    let service = world.service().await;
    for bad in ["", "seven77", "password1", "QWERTYUIOP", &"x".repeat(257)] {
        let result = service
            .register(Register {
                username: username("mina"),
                password: password(bad),
                name: None,
                client: client(1),
            })
            .await;
        let error = assert_code(result, Code::InvalidArgument);
        assert!(error.message.starts_with("password "), "{error}");
        assert_eq!(error.fields[0].pointer, "/password");
    }
    let longest = "가".repeat(256);
    service
        .register(Register {
            username: username("mina"),
            password: password(&longest),
            name: None,
            client: client(1),
        })
        .await
        .unwrap();
    service
        .login(Login { username: username("mina"), password: password(&longest), client: client(1) })
        .await
        .unwrap();
    let almost = "가".repeat(255) + "나";
    assert_code(
        service
            .login(Login { username: username("mina"), password: password(&almost), client: client(1) })
            .await,
        Code::Unauthenticated,
    );
}

/// Two answers that take times within this ratio of each other do not tell which of them hashed a password.
const TIME_RATIO_MAX: f64 = 1.5;

async fn a_wrong_password_and_an_unknown_user_look_the_same(mut world: World) {
    // A hash that takes long enough to be told from everything else.
    world.settings = Settings { argon2_memory_kib: 32 * 1024, argon2_passes: 2, ..world.settings };
    let service = world.service().await;
    register(&service, "mina").await;
    let try_as = async |name: &str| {
        let start = Instant::now();
        let login =
            Login { username: username(name), password: password("wrong password"), client: client(1) };
        let error = service.login(login).await.unwrap_err();
        (start.elapsed(), error)
    };
    // The quickest of several tries, made in turns: what else the machine does only makes a try slower.
    let (mut wrong_took, wrong) = try_as("mina").await;
    let (mut unknown_took, unknown) = try_as("nobody").await;
    for _ in 0..4 {
        wrong_took = wrong_took.min(try_as("mina").await.0);
        unknown_took = unknown_took.min(try_as("nobody").await.0);
    }
    assert_eq!(wrong.code, Code::Unauthenticated);
    assert_eq!(
        (wrong.code, &wrong.message, wrong.retry_after),
        (unknown.code, &unknown.message, unknown.retry_after)
    );
    let ratio = unknown_took.as_secs_f64() / wrong_took.as_secs_f64();
    let alike = 1.0 / TIME_RATIO_MAX..TIME_RATIO_MAX;
    assert!(alike.contains(&ratio), "unknown user {unknown_took:?}, wrong password {wrong_took:?}");

    let too_long = service
        .login(Login {
            username: username("mina"),
            password: password(&"x".repeat(5_000)),
            client: client(1),
        })
        .await
        .unwrap_err();
    assert_eq!((too_long.code, &too_long.message), (wrong.code, &wrong.message));
}

async fn an_old_hash_is_replaced_at_sign_in(world: World) {
    const HASHES: &str = "SELECT password_hash FROM auth_users";
    let old = world.service().await;
    register(&old, "mina").await;
    let before = world.texts(HASHES).await;
    assert!(before[0].starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{before:?}");
    login(&old, "mina").await;
    assert_eq!(world.texts(HASHES).await, before, "a hash of today's parameters stays");

    let settings = Settings { argon2_memory_kib: 128, ..world.settings.clone() };
    let new = world.service_with(&settings).await.unwrap();
    assert_code(
        new.login(Login {
            username: username("mina"),
            password: password("wrong password"),
            client: client(1),
        })
        .await,
        Code::Unauthenticated,
    );
    assert_eq!(world.texts(HASHES).await, before, "only the right password can make another hash");
    login(&new, "mina").await;
    let after = world.texts(HASHES).await;
    assert!(after[0].starts_with("$argon2id$v=19$m=128,t=1,p=1$"), "{after:?}");
    login(&new, "mina").await;
}

async fn a_profile_change_shows_in_tokens_and_tickets_made_later(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let user = grant.user.id;
    let name = DisplayName::new("민아").unwrap();
    let avatar = AvatarUrl::new("https://example.org/mina.png").unwrap();

    // The clock stands still, and the version grows all the same.
    let named = service
        .update_profile(UpdateProfile { user, name: Some(name.clone()), avatar_url: None, presented: None })
        .await
        .unwrap();
    assert!(named.version > grant.user.version);
    let pictured = service
        .update_profile(UpdateProfile {
            user,
            name: None,
            avatar_url: Some(Some(avatar.clone())),
            presented: None,
        })
        .await
        .unwrap();
    assert!(pictured.version > named.version);
    assert_eq!((&pictured.name, &pictured.avatar_url), (&name, &Some(avatar)));
    assert_eq!(
        service
            .update_profile(UpdateProfile { user, name: None, avatar_url: None, presented: None })
            .await
            .unwrap(),
        pictured
    );

    let refreshed = service
        .refresh(Refresh { refresh_token: Token::new(&grant.refresh_token), client: client(1) })
        .await
        .unwrap();
    assert_eq!(refreshed.user, pictured);
    let jwks = service.get_keys(GetKeys).await.unwrap();
    let (_, claims) = verify(&refreshed.access_token, &jwks, world.clock.now().as_seconds()).unwrap();
    assert_eq!(claims.name, "민아");
    assert_eq!(claims.picture.as_deref(), Some("https://example.org/mina.png"));
    assert_eq!(claims.profile_version, pictured.version.as_micros());
    let session = claims.sid.parse().unwrap();
    let ticket = service.issue_ticket(IssueTicket { user, session, issued_at: None }).await.unwrap();
    assert_eq!(
        service
            .redeem_ticket(RedeemTicket { ticket: Token::new(&ticket.ticket), client: ClientInfo::default() })
            .await
            .unwrap()
            .profile,
        pictured
    );

    world.clock.advance(seconds(60));
    let bare = service
        .update_profile(UpdateProfile { user, name: None, avatar_url: Some(None), presented: None })
        .await
        .unwrap();
    assert_eq!((bare.avatar_url, bare.version), (None, world.clock.now()));
    let nobody: UserId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    assert_code(
        service
            .update_profile(UpdateProfile {
                user: nobody,
                name: Some(name),
                avatar_url: None,
                presented: None,
            })
            .await,
        Code::NotFound,
    );
}

async fn profiles_are_found_by_id(world: World) {
    let service = world.service().await;
    let mina = register(&service, "mina").await.user;
    let joon = register(&service, "joon").await.user;
    let nobody: UserId = "01941f29-7c00-7000-8000-0000000000ab".parse().unwrap();
    let mut found =
        service.get_users(GetUsers { ids: vec![joon.id, nobody, mina.id, mina.id] }).await.unwrap();
    found.sort_by_key(|profile| profile.id);
    let mut expected = vec![mina, joon];
    expected.sort_by_key(|profile| profile.id);
    assert_eq!(found, expected);
    assert!(service.get_users(GetUsers { ids: Vec::new() }).await.unwrap().is_empty());
    assert!(service.get_users(GetUsers { ids: vec![nobody; 200] }).await.unwrap().is_empty());
    assert_code(service.get_users(GetUsers { ids: vec![nobody; 201] }).await, Code::InvalidArgument);
}
