//! A site that moves over with its own users, tokens, rooms and backend: who comes and goes, and what the site has to say.

use madang_domain::Code;
use madang_e2e::{FrontEnd, PATIENCE, site_token};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    places::{Place, at_both},
    room_path,
};

at_both!(
    users_and_rooms_have_the_names_of_the_site,
    who_comes_and_goes_is_said_once,
    a_notice_of_the_site_is_heard_as_it_was_posted,
    mentions_and_invitations_are_notices,
    what_the_backend_says_is_heard,
);

impl Place {
    /// A user of the site: the token that the site gave.
    async fn user(&self, number: u64, name: &str) -> String {
        let username = format!("user{number}");
        self.backend.put_user(&format!("ext:{number}"), &json!({"name": name, "username": username})).await;
        site_token(number, &json!({"name": name, "preferred_username": username}))
    }

    /// A private room of the site's, by its number, with these users.
    async fn room(&self, number: u64, users: &[u64]) {
        let names: Vec<String> = users.iter().map(|user| format!("ext:{user}")).collect();
        let room = json!({
            "name": format!("Room {number}"), "kind": "private", "external_id": number.to_string(),
            "owner": names[0], "members": names[1..],
        });
        self.backend.call(Method::POST, "/rooms", &room).await.expect("a room");
    }
}

fn is(response_type: &str, user: u64) -> impl Fn(&Value) -> bool {
    move |frame| frame["response_type"] == response_type && frame["user_id"] == json!(user)
}

mod stories {
    use super::*;

    pub(super) async fn users_and_rooms_have_the_names_of_the_site(site: Place) {
        let (mina, joon, sora) =
            (site.user(101, "미나").await, site.user(102, "준").await, site.user(103, "소라").await);
        site.room(11, &[101, 102]).await;
        let mut speaker = FrontEnd::open_with(&site.first, &room_path(11), &mina).await;
        let mut listener = FrontEnd::open_with(&site.second, &room_path(11), &joon).await;
        for (room, user) in [(json!(11), json!(101)), (json!("11"), json!("101"))] {
            speaker.send(json!({"room_id": room, "user_id": user, "message": "안녕"}).to_string()).await;
            let frame = listener.until_type("message").await;
            let said = json!({
                "response_type": "message", "message": "안녕", "sender": 101, "sender_name": "미나",
                "room_id": 11, "profile": null, "time": frame["time"],
            });
            assert_eq!(frame, said);
        }
        // Another user's number, and another room's.
        for frame in [
            json!({"room_id": 11, "user_id": 102, "message": "as Joon"}),
            json!({"room_id": 12, "user_id": 101, "message": "elsewhere"}),
        ] {
            speaker.send(frame.to_string()).await;
            let alert = speaker.until_type("alert").await;
            assert_eq!(alert["message"], "올바르지 않은 접근", "{frame}");
        }
        // A private room is its members'.
        let refused = FrontEnd::try_open(&site.second, &format!("{}?token={sora}", room_path(11)), &[]).await;
        assert_eq!(refused.expect_err("a refusal").status, 403);

        // No user takes a number as a slug; and one that the site gave before does not hide the site's own number.
        let user = site.guest().with_token(&sora);
        let trap = user.create_room(&madang_client::NewRoom::public("Trap").slug("13")).await;
        assert_eq!(trap.expect_err("a number is reserved").code(), Some(Code::AlreadyExists));
        let slug = json!({"name": "Slug", "kind": "public", "slug": "13", "owner": "ext:103"});
        site.backend.call(Method::POST, "/rooms", &slug).await.expect("a room of the slug 13");
        site.room(13, &[101, 102]).await;
        let mut socket = FrontEnd::open_with(&site.first, &room_path(13), &mina).await;
        socket.send(json!({"room_id": 13, "user_id": 101, "message": "in the site's"}).to_string()).await;
        assert_eq!(socket.until_type("message").await["room_id"], 13);
    }

    pub(super) async fn who_comes_and_goes_is_said_once(site: Place) {
        let (mina, joon, sora) =
            (site.user(201, "미나").await, site.user(202, "준").await, site.user(203, "소라").await);
        site.room(21, &[201, 202, 203]).await;
        let room = room_path(21);
        let mut first_tab = FrontEnd::open_with(&site.first, &room, &mina).await;
        let entered = json!({"response_type": "enter", "sender_name": "미나", "user_id": 201});
        assert_eq!(first_tab.next().await, entered, "who enters is told so, and nothing before it");

        let mut watcher = FrontEnd::open_with(&site.second, &room, &joon).await;
        let joon_entered = json!({"response_type": "enter", "sender_name": "준", "user_id": 202});
        assert_eq!(watcher.next().await, joon_entered);
        assert_eq!(first_tab.next().await, joon_entered);

        // A second tab, on the other gateway; then the first one goes.
        let second_tab = FrontEnd::open_with(&site.second, &room, &mina).await;
        first_tab.close().await;
        // Another one comes and goes after that, and it is all that is said: nothing of the tabs.
        let passer_by = FrontEnd::open_with(&site.first, &room, &sora).await;
        watcher.until("sora's coming", is("enter", 203)).await;
        passer_by.close().await;
        let frames = watcher.all_until(PATIENCE, "sora's going", is("out", 203)).await;
        assert_eq!(frames, [json!({"response_type": "out", "user_id": 203, "sender_name": "소라"})]);

        // Who is back within the grace has not been away.
        second_tab.close().await;
        let back = FrontEnd::open_with(&site.first, &room, &mina).await;
        let passer_by = FrontEnd::open_with(&site.first, &room, &sora).await;
        watcher.until("sora's coming", is("enter", 203)).await;
        passer_by.close().await;
        let frames = watcher.all_until(PATIENCE, "sora's going", is("out", 203)).await;
        assert_eq!(frames.len(), 1, "{frames:?}");

        // The last tab: cut, not closed.
        drop(back);
        let out = watcher.next().await;
        assert_eq!(out, json!({"response_type": "out", "user_id": 201, "sender_name": "미나"}));
    }

    pub(super) async fn a_notice_of_the_site_is_heard_as_it_was_posted(site: Place) {
        let mina = site.user(301, "미나").await;
        let _other = site.user(302, "준").await;
        let mut here = FrontEnd::open_with(&site.first, "/ws/alarm/", &mina).await;
        let mut there = FrontEnd::open_with(&site.second, "/ws/alarm", &mina).await;
        let notice =
            json!({"kind": "order", "no": 9_007_199_254_740_993_u64, "text": "주문이 완료되었습니다"});
        let post = async |user: u64, notice: &Value| {
            let path = format!("/users/ext:{user}/notices");
            site.backend.call(Method::POST, &path, notice).await.expect("a notice");
        };
        post(302, &json!({"for": "another"})).await;
        post(301, &notice).await;
        for socket in [&mut here, &mut there] {
            assert_eq!(socket.next().await, notice, "the object, and nothing that is for another");
        }
        // What a client says here is nothing; the socket lives, and what comes is in order.
        here.send("{\"message\": \"hello\"}").await;
        here.send("{").await;
        for number in 0..20 {
            post(301, &json!({"n": number})).await;
        }
        for socket in [&mut here, &mut there] {
            for number in 0..20 {
                assert_eq!(socket.next().await, json!({"n": number}));
            }
        }
    }

    pub(super) async fn mentions_and_invitations_are_notices(site: Place) {
        let (mina, joon) = (site.user(401, "미나").await, site.user(402, "준").await);
        let mut alarm = FrontEnd::open_with(&site.second, "/ws/alarm/", &joon).await;
        site.room(41, &[401, 402]).await;
        let invited = alarm.next().await;
        assert_eq!((&invited["notice"], &invited["name"]), (&json!("invite"), &json!("Room 41")));
        let mut socket = FrontEnd::open_with(&site.first, &room_path(41), &mina).await;
        let message = "@user402 안녕";
        socket.send(json!({"room_id": 41, "user_id": 401, "message": message}).to_string()).await;
        let mentioned = alarm.next().await;
        assert_eq!((&mentioned["notice"], &mentioned["room"]), (&json!("mention"), &invited["room"]));
        assert_eq!(mentioned["sender"]["name"], "미나");
        assert!(mentioned["at"].is_string() && mentioned["seq"].is_u64(), "{mentioned}");
    }

    pub(super) async fn what_the_backend_says_is_heard(site: Place) {
        let mina = site.user(501, "미나").await;
        site.user(502, "준").await;
        site.room(51, &[501]).await;
        let mut socket = FrontEnd::open_with(&site.second, &room_path(51), &mina).await;
        let says = json!({"user": "ext:502", "text": "새 주문", "join": true});
        site.backend.call(Method::POST, "/rooms/ext:51/messages", &says).await.expect("a message");
        let frame = socket.until_type("message").await;
        assert_eq!((&frame["sender"], &frame["message"]), (&json!(502), &json!("새 주문")));
        // The backend cuts a user off: the page sees the close that says why.
        site.backend
            .call_for_nothing(Method::POST, "/users/ext:501/disconnect")
            .await
            .expect("a disconnection");
        assert_eq!(socket.closed().await, 4401);
    }
}
