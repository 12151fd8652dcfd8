//! The site's backend speaks as its users, makes and changes them, and lets them in.

use madang_client::{ConnectOptions, Credential, Socket, close_code};
use madang_domain::{Code, Seq};
use madang_e2e::{Backend, PATIENCE, Person, public_room};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{ALL, code, stage, user_id};

#[tokio::test]
async fn the_site_speaks_as_any_of_its_users() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &ALL).await;
    let joon = Person::register(stage.ingress(), "joon").await;
    let room = public_room(&joon, "Room", &[]).await.id;
    let heard = joon.listen(vec![stage.gateway(1)], room).await;
    let path = format!("/rooms/{room}/messages");

    let as_joon = json!({"user": joon.id, "text": "by the site", "key": "once"});
    let first = site.call(Method::POST, &path, &as_joon).await.unwrap();
    let again = site.call(Method::POST, &path, &as_joon).await.unwrap();
    assert_eq!(
        (&again["seq"], &again["id"], &again["duplicate"]),
        (&first["seq"], &first["id"], &json!(true))
    );
    let (status, by_header) = site.call_with_key(&path, &json!({"user": joon.id, "text": "x"}), "once").await;
    assert_eq!((status.as_u16(), &by_header["seq"]), (201, &first["seq"]));

    // Whom the site has never named is not there; who is no member may not speak.
    let nobody = json!({"user": "ext:speak-none", "text": "x"});
    assert_eq!(code(site.call(Method::POST, &path, &nobody).await), Some(Code::NotFound));
    let mina = user_id(&site.put_user("ext:speak-7", &json!({"name": "Mina", "username": "Mina.Kim"})).await);
    let as_mina = json!({"user": "ext:speak-7", "text": "안녕하세요"});
    assert_eq!(code(site.call(Method::POST, &path, &as_mina).await), Some(Code::PermissionDenied));
    for bad in [
        json!({"text": "x"}),
        json!({"user": "ext:", "text": "x"}),
        json!({"user": joon.id, "text": ""}),
        json!({"user": joon.id, "text": "x", "role": "owner"}),
    ] {
        assert_eq!(code(site.call(Method::POST, &path, &bad).await), Some(Code::InvalidArgument), "{bad}");
    }
    let seq = Seq::new(first["seq"].as_u64().expect("a seq"));
    heard.until_seq(PATIENCE, seq).await;
    assert_ne!(mina, joon.id);
}

#[tokio::test]
async fn the_site_makes_and_changes_its_users() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users"]).await;
    let made = site.put_user("ext:put-7", &json!({"username": "put.mina", "name": "Mina"})).await;
    assert_eq!(
        (&made["username"], &made["name"], &made["external_id"]),
        (&json!("put.mina"), &json!("Mina"), &json!("put-7"))
    );
    let picture = json!({"avatar_url": "https://example.org/m.png"});
    let changed = site.put_user("ext:put-7", &picture).await;
    assert_eq!(
        (&changed["id"], &changed["name"], &changed["avatar_url"]),
        (&made["id"], &json!("Mina"), &picture["avatar_url"])
    );
    let by_id =
        site.put_user(made["id"].as_str().unwrap(), &json!({"name": "김미나", "avatar_url": null})).await;
    assert_eq!(
        (&by_id["name"], &by_id["avatar_url"], &by_id["external_id"]),
        (&json!("김미나"), &Value::Null, &json!("put-7"))
    );
    // An id of the site's may hold what an address may not.
    let odd = site.put_user("ext:a%2Fb%20%EA%B0%80", &json!({})).await;
    assert_eq!(odd["external_id"], json!("a/b 가"));

    let joon = Person::register(stage.ingress(), "joon").await;
    let renamed = site.put_user(&joon.id.to_string(), &json!({"name": "Joon the second"})).await;
    assert_eq!((&renamed["name"], &renamed["external_id"]), (&json!("Joon the second"), &Value::Null));
    let path = format!("/users/{}", joon.id);
    let named = site.call(Method::PUT, &path, &json!({"username": "other"})).await;
    assert_eq!(code(named), Some(Code::FailedPrecondition));
    // A username that somebody has becomes another one.
    let second = site.put_user("ext:put-8", &json!({"username": "put.mina"})).await;
    assert!(second["username"].as_str().unwrap().starts_with("put.mina-"), "{second}");
    for (path, expected) in [
        ("/users/01941f29-7c00-7000-8000-0000000000ab", Code::NotFound),
        ("/users/mina", Code::InvalidArgument),
        ("/users/ext:", Code::InvalidArgument),
    ] {
        assert_eq!(code(site.call(Method::PUT, path, &json!({})).await), Some(expected), "{path}");
    }
}

#[tokio::test]
async fn the_site_lets_a_user_in_by_a_ticket() {
    let stage = stage().await;
    let site = Backend::new(stage, &stage.gateway(0), &["users", "tickets"]).await;
    let mina = user_id(&site.put_user("ext:ticket-7", &json!({})).await);
    let made = site.call(Method::POST, "/users/ext:ticket-7/ws-ticket", &json!({})).await.unwrap();
    assert_eq!(made["expires_in"], json!(30));
    let ticket = Credential::Ticket(made["ticket"].as_str().expect("a ticket").to_owned());
    let (_socket, hello) =
        Socket::open(&stage.gateway(1), &ticket, &ConnectOptions::default()).await.expect("a socket");
    assert_eq!(hello.user.id, mina);
    let used = Socket::open(&stage.gateway(0), &ticket, &ConnectOptions::default()).await;
    let used = used.expect_err("a used ticket");
    assert_eq!(used.close().map(|close| close.code), Some(close_code::UNAUTHENTICATED), "{used}");
    let nobody = site.call(Method::POST, "/users/ext:ticket-none/ws-ticket", &json!({})).await;
    assert_eq!(code(nobody), Some(Code::NotFound));
}
