//! API keys: made, listed and ended at the command line, verified by the service.

use std::process::{Command, Output};

use madang_domain::Code;
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{Auth as _, Scope, Token, VerifyApiKey};

use crate::support::{World, assert_code, seconds};

madang_test_kit::on_both!(
    a_key_is_printed_once_and_works_until_it_is_revoked,
    only_the_digest_of_a_key_is_kept,
    the_last_use_is_noted_now_and_then,
);

/// Runs `madang-auth keys …` on the world's database, as an operator does.
fn keys(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_madang-auth"));
    command.env_clear().args(["--database-url", world.url().expose(), "keys"]).args(arguments);
    command.output().unwrap()
}

fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn create(world: &World, name: &str, scopes: &[&str]) -> String {
    let mut arguments = vec!["create", "--name", name];
    for scope in scopes {
        arguments.extend(["--scope", scope]);
    }
    let output = printed(&keys(world, &arguments));
    let key = output.strip_suffix('\n').unwrap();
    assert!(key.starts_with("mk_") && !key.contains(char::is_whitespace), "{key:?}");
    key.to_owned()
}

fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

async fn a_key_is_printed_once_and_works_until_it_is_revoked(world: World) {
    let service = world.service().await;
    let key = create(&world, "the site", &["notices", "messages", "notices"]);
    let other = create(&world, "other", &["rooms"]);
    let verified = service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await.unwrap();
    assert_eq!((&*verified.id, &*verified.name), (id_of(&key), "the site"));
    assert_eq!(verified.scopes, [Scope::Messages, Scope::Notices]);
    assert!(verified.may(Scope::Notices) && !verified.may(Scope::Rooms));

    let list = printed(&keys(&world, &["list"]));
    let lines: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0][..3], [id_of(&key), "the site", "messages,notices"]);
    assert!(!list.contains(&key[20..]), "the list shows no secret");

    let secret = key.rsplit_once('_').map(|(head, _)| head.to_owned()).unwrap();
    for wrong in ["", "mk_", &secret, &key[..key.len() - 1], &format!("mk_{}_{}", id_of(&other), &key[20..])]
    {
        assert_code(
            service.verify_api_key(VerifyApiKey { key: Token::new(wrong) }).await,
            Code::Unauthenticated,
        );
    }
    printed(&keys(&world, &["revoke", id_of(&key)]));
    assert_code(service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await, Code::Unauthenticated);
    service.verify_api_key(VerifyApiKey { key: Token::new(&other) }).await.unwrap();

    for (arguments, complaint) in [
        (&["revoke", id_of(&key)][..], "there is no valid key"),
        (&["create", "--name", "x", "--scope", "everything"], "expected rooms, messages"),
        (&["create", "--name", "x"], "--scope"),
        (&["create", "--name", " ", "--scope", "rooms"], "must have a visible character"),
    ] {
        let refused = keys(&world, arguments);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(complaint), "{arguments:?}: {said}");
        assert!(refused.stdout.is_empty());
    }
}

async fn only_the_digest_of_a_key_is_kept(world: World) {
    let service = world.service().await;
    let key = create(&world, "site", &["rooms"]);
    service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await.unwrap();
    let (_, secret) = key[3..].split_once('_').unwrap();
    let text = "SELECT id || name || scopes FROM auth_api_keys";
    assert!(!world.texts(text).await[0].contains(secret));
    let hex = match world.url().expose().starts_with("sqlite") {
        true => "SELECT lower(hex(secret_hash)) FROM auth_api_keys",
        false => "SELECT encode(secret_hash, 'hex') FROM auth_api_keys",
    };
    let kept = world.texts(hex).await.remove(0);
    assert_eq!(kept.len(), 64, "a SHA-256 digest: {kept}");
}

async fn the_last_use_is_noted_now_and_then(world: World) {
    let service = world.service().await;
    let key = create(&world, "site", &["rooms"]);
    let last_used = async || {
        let text = "SELECT CAST(last_used_at AS TEXT) FROM auth_api_keys WHERE last_used_at IS NOT NULL";
        world.texts(text).await.pop()
    };
    assert_eq!(last_used().await, None);
    let first = world.clock.now();
    service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await.unwrap();
    assert_eq!(last_used().await, Some(first.as_micros().to_string()));
    world.clock.advance(seconds(59));
    service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await.unwrap();
    assert_eq!(last_used().await, Some(first.as_micros().to_string()));
    world.clock.advance(seconds(1));
    service.verify_api_key(VerifyApiKey { key: Token::new(&key) }).await.unwrap();
    assert_eq!(last_used().await, Some(world.clock.now().as_micros().to_string()));
}
