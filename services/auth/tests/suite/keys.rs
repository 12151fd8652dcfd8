//! Signing keys: one for all replicas, and a rotation that nobody notices.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jsonwebtoken::decode_header;
use madang_auth::{Settings, rotate_key};
use madang_kit::clock::Clock as _;
use madang_rpc::auth::{Auth as _, GetKeys, Refresh, Token};

use crate::support::{World, login, register, seconds, verify};

madang_test_kit::on_both!(
    replicas_that_start_at_once_share_one_key,
    a_rotation_fails_no_verification,
    the_key_set_is_public_and_complete,
    private_keys_are_encrypted_when_there_is_a_key_for_it,
    an_operator_rotates_by_hand,
    leaked_keys_are_forgotten_at_once,
);

fn kids(jwks: &str) -> BTreeSet<String> {
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(jwks).unwrap();
    set.keys.into_iter().filter_map(|key| key.common.key_id).collect()
}

fn kid(token: &str) -> String {
    decode_header(token).unwrap().kid.unwrap()
}

async fn replicas_that_start_at_once_share_one_key(world: World) {
    let replicas = join_all((0..5).map(|_| world.service())).await;
    assert_eq!(world.count("auth_signing_keys").await, 1);
    let jwks = replicas[0].get_keys(GetKeys).await.unwrap();
    register(&replicas[0], "mina").await;
    for replica in &replicas {
        assert_eq!(replica.get_keys(GetKeys).await.unwrap(), jwks);
        let grant = login(replica, "mina").await;
        verify(&grant.access_token, &jwks, world.clock.now().as_seconds()).unwrap();
    }
    // And a restart makes no other one.
    assert_eq!(world.service().await.get_keys(GetKeys).await.unwrap(), jwks);
}

/// A verifier like the gateways': it fetches the keys anew when its copy is as old as it may get.
struct Verifier {
    jwks: String,
    fetched_at: i64,
}

async fn a_rotation_fails_no_verification(mut world: World) {
    const STEP: u64 = 10;
    world.settings = Settings {
        access_token: seconds(60),
        key_rotation: seconds(1_000),
        key_overlap: seconds(200),
        ..world.settings
    };
    let (one, two) = (world.service().await, world.service().await);
    let max_age = i64::try_from(one.keys_cache_time().as_secs()).unwrap();
    assert_eq!(max_age, 100);
    register(&one, "mina").await;
    let mut grants = [login(&one, "mina").await, login(&two, "mina").await];
    let mut verifier =
        Verifier { jwks: one.get_keys(GetKeys).await.unwrap(), fetched_at: world.clock.now().as_seconds() };
    let mut issued: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();

    for step in 0..350_u64 {
        world.clock.advance(seconds(STEP));
        let now = world.clock.now().as_seconds();
        // Only one replica's maintenance runs; the other one follows by itself when it must.
        one.maintain().await.unwrap();
        if now - verifier.fetched_at > max_age {
            // The worst replica to ask: the one that makes no keys.
            verifier = Verifier { jwks: two.get_keys(GetKeys).await.unwrap(), fetched_at: now };
        }
        for (service, grant) in [&one, &two].into_iter().zip(&mut grants) {
            *grant = service
                .refresh(Refresh {
                    refresh_token: Token::new(&grant.refresh_token),
                    client: crate::support::client(1),
                })
                .await
                .unwrap();
            issued.push(grant.access_token.clone());
            seen.insert(kid(&grant.access_token));
        }
        issued.retain(|token| match verify(token, &verifier.jwks, now) {
            Ok(_) => true,
            Err(problem) if problem == "expired" => false,
            Err(problem) => panic!("step {step}: {problem}; the verifier knows {:?}", kids(&verifier.jwks)),
        });
        assert!(kids(&verifier.jwks).len() <= 2);
    }
    assert!(seen.len() >= 4, "3,500 s of keys that sign for 1,000 s: {seen:?}");
    assert!(world.count("auth_signing_keys").await <= 2, "keys that are done with are forgotten");
}

async fn the_key_set_is_public_and_complete(world: World) {
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let set: serde_json::Value = serde_json::from_str(&service.get_keys(GetKeys).await.unwrap()).unwrap();
    let key = &set["keys"][0];
    for (name, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("use", "sig"), ("alg", "EdDSA")] {
        assert_eq!(key[name], value);
    }
    assert_eq!(key["kid"], kid(&grant.access_token));
    assert!(key.get("d").is_none());
    assert_eq!(key.as_object().unwrap().len(), 6);
}

async fn private_keys_are_encrypted_when_there_is_a_key_for_it(mut world: World) {
    let encryption_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    world.settings.key_encryption_key = Some(encryption_key.into());
    let service = world.service().await;
    let grant = register(&service, "mina").await;
    let size = "SELECT CAST(length(private_key) AS TEXT) FROM auth_signing_keys WHERE sealed";
    let sealed: usize = world.texts(size).await[0].parse().unwrap();
    assert!(sealed > 32 + 12 + 16);

    let again = world.service().await;
    let jwks = again.get_keys(GetKeys).await.unwrap();
    verify(&grant.access_token, &jwks, world.clock.now().as_seconds()).unwrap();
    for other in [None, Some("HB0eHxscHR4fGxwdHh8bHB0eHxscHR4fGxwdHh8bHB0=".into())] {
        let settings = Settings { key_encryption_key: other, ..world.settings.clone() };
        let error = world.service_with(&settings).await.unwrap_err();
        let causes = format!("{error:?}");
        assert!(causes.contains("CannotDecrypt"), "{causes}");
    }
}

async fn an_operator_rotates_by_hand(world: World) {
    let service = world.service().await;
    let old = register(&service, "mina").await;
    let new_kid = rotate_key(&world.settings, &world.url(), &world.host(), false).await.unwrap();
    service.maintain().await.unwrap();
    assert!(kids(&service.get_keys(GetKeys).await.unwrap()).contains(&new_kid), "published before it signs");
    let before = login(&service, "mina").await;
    assert_eq!(kid(&before.access_token), kid(&old.access_token));
    world.clock.advance(world.settings.key_overlap);
    let after = login(&service, "mina").await;
    assert_eq!(kid(&after.access_token), new_kid);
}

async fn leaked_keys_are_forgotten_at_once(world: World) {
    let service = world.service().await;
    let old = register(&service, "mina").await;
    let new_kid = rotate_key(&world.settings, &world.url(), &world.host(), true).await.unwrap();
    service.maintain().await.unwrap();
    let jwks = service.get_keys(GetKeys).await.unwrap();
    assert_eq!(kids(&jwks), BTreeSet::from([new_kid.clone()]));
    let now = world.clock.now().as_seconds();
    assert!(verify(&old.access_token, &jwks, now).is_err());
    let refreshed = service
        .refresh(Refresh { refresh_token: Token::new(&old.refresh_token), client: crate::support::client(1) })
        .await
        .unwrap();
    assert_eq!(kid(&refreshed.access_token), new_kid);
    verify(&refreshed.access_token, &jwks, now).unwrap();
}
