//! Usernames: one name in many forms, names that look like others, and the names of an earlier version.

use madang_auth::{Service, start};
use madang_domain::{Code, DisplayName, ExternalId, Profile, Result, Username};
use madang_rpc::auth::{
    Auth as _, ExternalUser, GetUsers, Grant, Login, RecognizeUser, Register, UpdateProfile,
};

use crate::support::{PASSWORD, World, assert_code, client, login, password, register, username};

madang_test_kit::on_both!(
    one_name_in_two_forms_is_one_account,
    a_password_in_two_forms_is_one_password,
    a_name_that_looks_like_another_is_taken,
    of_two_look_alikes_at_once_one_gets_the_name,
    a_user_of_the_site_gets_no_look_alike,
    a_name_that_no_user_may_have_is_refused_here_too,
    the_names_of_an_earlier_version_get_their_form,
    names_that_an_older_replica_writes_get_their_form_in_the_next_round,
);

/// `한글` as a Mac may type it, in three letters a syllable.
const HANGUL_DECOMPOSED: &str = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}";
/// `paypal` with the Cyrillic letter that looks like `a`.
const PAYPAL_CYRILLIC: &str = "p\u{430}ypal";

async fn try_register(service: &Service, name: Username, shown: Option<DisplayName>) -> Result<Grant> {
    service
        .register(Register { username: name, password: password(PASSWORD), name: shown, client: client(1) })
        .await
}

async fn one_name_in_two_forms_is_one_account(world: World) {
    let service = world.service().await;
    let typed = register(&service, HANGUL_DECOMPOSED).await.user;
    assert_eq!(typed.username.as_str(), "한글");
    assert_eq!(typed.name.as_str(), "한글");
    for form in [HANGUL_DECOMPOSED, "한글", " 한글 "] {
        assert_eq!(login(&service, form).await.user, typed, "{form:?}");
        assert_code(try_register(&service, username(form), None).await, Code::AlreadyExists);
    }
    let jose = register(&service, "Jose\u{301}").await.user;
    assert_eq!(login(&service, "JOSÉ").await.user, jose);
    assert_eq!(world.texts("SELECT username FROM auth_users ORDER BY username").await, ["josé", "한글"]);
}

async fn a_password_in_two_forms_is_one_password(world: World) {
    const COMPOSED: &str = "맞는 말 배터리";
    // The same in its letters, with another blank.
    const DECOMPOSED: &str = "\u{1106}\u{1161}\u{11bd}\u{1102}\u{1173}\u{11ab}\u{a0}\u{1106}\u{1161}\u{11af} \u{1107}\u{1162}\u{1110}\u{1165}\u{1105}\u{1175}";
    /// What an earlier version made of the letters, with blanks of ASCII.
    const HASH_OF_LETTERS: &str =
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$JtlhMMdXcDr04NZULhRFhHKQqEkO13mqM03+Xguf2T0";
    let service = world.service().await;
    let sign_in = async |text: &str| {
        let login = Login { username: username("mina"), password: password(text), client: client(1) };
        service.login(login).await.map(drop)
    };
    let account = Register {
        username: username("mina"),
        password: password(DECOMPOSED),
        name: None,
        client: client(1),
    };
    service.register(account).await.unwrap();
    sign_in(COMPOSED).await.unwrap();
    sign_in(DECOMPOSED).await.unwrap();
    assert_code(sign_in("맞는말배터리").await, Code::Unauthenticated);

    let old = format!("UPDATE auth_users SET password_hash = '{HASH_OF_LETTERS}'");
    world.execute(&old, &old).await;
    assert_code(sign_in(COMPOSED).await, Code::Unauthenticated);
    sign_in(&DECOMPOSED.replace('\u{a0}', " ")).await.unwrap();
    // The hash was made anew, of the form.
    sign_in(COMPOSED).await.unwrap();
}

async fn a_name_that_looks_like_another_is_taken(world: World) {
    let service = world.service().await;
    register(&service, "paypal").await;
    let refused =
        assert_code(try_register(&service, username(PAYPAL_CYRILLIC), None).await, Code::AlreadyExists);
    assert_eq!(refused.fields[0].pointer, "/username");
    // Who writes one script tells these apart, and Korean with Latin letters is nothing to wonder at.
    for other in ["paypa1", "pàypal", "미나paypal", "각가", "가까", "각가a", "가까a"] {
        register(&service, other).await;
    }
    // The one who came first has the name, whatever the script.
    register(&service, "\u{441}\u{43e}\u{441}\u{43e}").await;
    assert_code(try_register(&service, username("coco"), None).await, Code::AlreadyExists);
}

async fn of_two_look_alikes_at_once_one_gets_the_name(world: World) {
    let (one, two) = (world.service().await, world.service().await);
    for round in 0..5 {
        let (latin, cyrillic) = (format!("mina{round}"), format!("min\u{430}{round}"));
        let (first, second) = tokio::join!(
            try_register(&one, username(&latin), None),
            try_register(&two, username(&cyrillic), None)
        );
        assert_eq!([&first, &second].iter().filter(|result| result.is_ok()).count(), 1, "round {round}");
        assert_code(first.and(second), Code::AlreadyExists);
    }
    assert_eq!(world.count("auth_users").await, 5);
}

async fn a_user_of_the_site_gets_no_look_alike(world: World) {
    let service = world.service().await;
    register(&service, "paypal").await;
    let seen = async |id: &str, name: &str| {
        let user = ExternalUser {
            external_id: ExternalId::new(id).unwrap(),
            username: Some(username(name)),
            name: None,
            avatar_url: None,
            as_of: None,
        };
        service.recognize_user(RecognizeUser { user, by_backend: false }).await.unwrap().profile.username
    };
    let given = seen("7", PAYPAL_CYRILLIC).await;
    assert_ne!(given.skeleton(), "paypal");
    assert!(given.starts_with(PAYPAL_CYRILLIC) && given.len() > PAYPAL_CYRILLIC.len(), "{given}");
    assert_eq!(seen("8", "joon").await.as_str(), "joon");
    assert_eq!(seen("8", PAYPAL_CYRILLIC).await.as_str(), "joon", "a change to a look-alike is none");
    assert_eq!(seen("8", "soso").await.as_str(), "soso");
    assert_code(
        try_register(&service, username("\u{455}\u{43e}\u{455}\u{43e}"), None).await,
        Code::AlreadyExists,
    );
    register(&service, "joon").await;

    // Between the services a name travels as it may have been recorded: what shows nothing is no news.
    let user = |shown: &str| ExternalUser {
        external_id: ExternalId::new("8").unwrap(),
        username: None,
        name: Some(DisplayName::recorded(shown).unwrap()),
        avatar_url: None,
        as_of: None,
    };
    for (shown, is) in [("Joon", "Joon"), ("\u{200b}", "Joon")] {
        let known =
            service.recognize_user(RecognizeUser { user: user(shown), by_backend: false }).await.unwrap();
        assert_eq!(known.profile.name.as_str(), is, "{shown:?}");
    }
}

/// Between the services a name travels as it may have been recorded.
async fn a_name_that_no_user_may_have_is_refused_here_too(world: World) {
    let service = world.service().await;
    let filler = Username::recorded("\u{3164}\u{3164}").unwrap();
    let error = assert_code(try_register(&service, filler, None).await, Code::InvalidArgument);
    assert_eq!(error.fields[0].pointer, "/username");
    let shown = DisplayName::recorded("\u{200b}").unwrap();
    let error = assert_code(
        try_register(&service, username("mina"), Some(shown.clone())).await,
        Code::InvalidArgument,
    );
    assert_eq!(error.fields[0].pointer, "/name");
    let user = register(&service, "mina").await.user.id;
    let change = UpdateProfile { user, name: Some(shown), avatar_url: None, presented: None };
    assert_code(service.update_profile(change).await, Code::InvalidArgument);
}

/// Writes an account as an earlier version did, with the password of `mina`.
async fn recorded(world: &World, number: u8, name: &str, shown: &str, avatar: &str) {
    let rest = format!(
        "'{name}', '{shown}', '{avatar}', password_hash, created_at, profile_version \
         FROM auth_users WHERE username = 'mina'"
    );
    let columns =
        "INSERT INTO auth_users (id, username, name, avatar_url, password_hash, created_at, profile_version)";
    world
        .execute(
            &format!("{columns} SELECT '00000000-0000-0000-0000-0000000000{number:02x}', {rest}"),
            &format!("{columns} SELECT x'000000000000000000000000000000{number:02x}', {rest}"),
        )
        .await;
}

async fn profile(service: &Service, number: u8) -> Profile {
    let id = format!("00000000-0000-0000-0000-0000000000{number:02x}").parse().unwrap();
    service.get_users(GetUsers { ids: vec![id] }).await.unwrap().pop().unwrap()
}

async fn sign_in(service: &Service, name: &str) -> Result<Grant> {
    let username = Username::recorded(name).unwrap();
    service.login(Login { username, password: password(PASSWORD), client: client(2) }).await
}

async fn the_names_of_an_earlier_version_get_their_form(world: World) {
    // The replica must have stopped, or its maintenance gives the names their form while they are being written.
    let host = world.host();
    let first = start(&world.settings, &world.url(), &host).await.unwrap();
    let mina = register(&first, "mina").await.user;
    host.lifecycle.stop();
    host.lifecycle.finished().await;
    // Of one name in two forms; of another alone; of a look-alike; what is no name any more, and an avatar that is none.
    recorded(&world, 1, HANGUL_DECOMPOSED, "Jose\u{301}", "https://example.org/a.png").await;
    recorded(&world, 2, "한글", "한글", "https://example.org/a.png").await;
    recorded(&world, 3, "jose\u{301}", "a\u{202e}b", "https://").await;
    recorded(&world, 4, "min\u{430}", "Mina", "https://example.org/a.png").await;
    recorded(&world, 5, "\u{3164}\u{3164}", "\u{200b}", "https://example.org/a.png").await;
    recorded(&world, 6, "ㅋㅋ", "ㅋㅋ", "https://example.org/a.png").await;

    let service = world.service().await;
    // The one with the normal form keeps the name; the other has got one, and both are themselves.
    let given = profile(&service, 1).await;
    assert!(given.username.starts_with("한글-"), "{}", given.username);
    assert_eq!(given.name.as_str(), "José");
    assert!(given.version > mina.version, "it is news");
    let other = profile(&service, 2).await;
    assert_eq!((other.username.as_str(), other.name.as_str()), ("한글", "한글"));
    assert_eq!(other.version, mina.version, "nothing of it has changed");
    assert_eq!(sign_in(&service, HANGUL_DECOMPOSED).await.unwrap().user, other);
    assert_eq!(sign_in(&service, &given.username).await.unwrap().user, given);

    let jose = sign_in(&service, "José").await.unwrap().user;
    assert_eq!((jose.id, jose.username.as_str()), (profile(&service, 3).await.id, "josé"));
    assert_eq!((jose.name.as_str(), jose.avatar_url), ("ab", None));
    for (number, name) in [(4, "min\u{430}"), (5, "\u{3164}\u{3164}"), (6, "ㅋㅋ")] {
        let user = sign_in(&service, name).await.unwrap().user;
        assert_eq!((user.id, user.username.as_str()), (profile(&service, number).await.id, name));
    }
    assert_eq!(login(&service, "mina").await.user.username.as_str(), "mina");
    assert_eq!(profile(&service, 5).await.name.as_str(), "\u{200b}", "it stays readable");

    // All are told apart from now on, and a later start finds nothing left to do.
    assert_code(try_register(&service, username("josé"), None).await, Code::AlreadyExists);
    const ROWS: &str = "SELECT username || ' ' || name || ' ' || skeleton FROM auth_users ORDER BY id";
    let rows = world.texts(ROWS).await;
    assert_eq!(rows.len(), 7);
    world.service().await.maintain().await.unwrap();
    assert_eq!(world.texts(ROWS).await, rows);
}

async fn names_that_an_older_replica_writes_get_their_form_in_the_next_round(world: World) {
    let service = world.service().await;
    register(&service, "mina").await;
    for number in 1..=3 {
        recorded(&world, number, &format!("jose\u{301}{number}"), "J", "https://example.org/a.png").await;
    }
    service.maintain().await.unwrap();
    assert_eq!(sign_in(&service, "josé2").await.unwrap().user.id, profile(&service, 2).await.id);
    assert_eq!(world.texts("SELECT username FROM auth_users WHERE skeleton IS NULL").await, [""; 0]);
}
