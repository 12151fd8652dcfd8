//! The same stories, told by the same front end to the Django site and to Madang: what the sockets said, and what
//! the pages showed, is equal but for times. Users and rooms have the same ids in both.
//!
//! `cargo test -p madang-channels-tests --test comparison -- --nocapture --test-threads 1` prints the transcripts.

use std::time::Duration;

use madang_channels_tests::{Person, Room, Side, Signer, Stage, Tab, TokenType, Transcript, View};
use serde_json::{Value, json};

/// What a socket's message has to bear: markup, quotes, other scripts, and more than one UTF-16 unit a character.
const AWKWARD: &str = r#"안녕 <b>"R&D"</b> \n 😀"#;
/// The primary key of no room.
const NO_ROOM: &str = "999999999";
const HOUR: Duration = Duration::from_secs(3_600);

/// A story on one side.
struct Scene {
    stage: &'static Stage,
    side: Side,
    mina: Person,
    joon: Person,
    room: Room,
}

impl Scene {
    async fn enter(&self, person: &Person, name: &str) -> Tab {
        self.stage.enter(self.side, person, &self.room, name).await
    }

    async fn open(&self, person: &Person, view: &View, name: &str) -> Tab {
        self.stage.open(self.side, person, view, name).await
    }

    async fn refused(&self, token: Option<&str>, view: &View, name: &str) -> Transcript {
        let tab = self.stage.open_with(self.side, &self.mina, token, view, name).await;
        tab.until_closed().await;
        tab.transcript().await
    }

    async fn notify(&self, person: &Person, notice: &Value) {
        self.stage.notify(self.side, person, notice).await;
    }

    fn room_view(&self) -> View {
        View::room(self.room.id)
    }
}

/// Tells a story to both systems, with the same people in the same room, and compares.
#[expect(clippy::print_stdout, reason = "the transcripts are what the comparison shows")]
async fn compare(name: &str, story: impl AsyncFn(&Scene) -> Vec<Transcript>) {
    let stage = Stage::shared().await;
    let (mina, joon) = (stage.person("미나").await, stage.person("준").await);
    let room = stage.room(name).await;
    let mut scene = Scene { stage, side: Side::Django, mina, joon, room };
    let django = story(&scene).await;
    scene.side = Side::Madang;
    let madang = story(&scene).await;
    for (on_django, on_madang) in django.iter().zip(&madang) {
        println!("{}", on_django.beside(name, on_madang));
    }
    assert_eq!(django, madang, "{name}: the Django site on the left, Madang on the right");
}

#[tokio::test]
async fn connect_and_leave() {
    compare("connect", async |scene| {
        let mina = scene.enter(&scene.mina, "mina").await;
        mina.leave().await;
        mina.until_closed().await;
        vec![mina.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn enter() {
    compare("enter", async |scene| {
        let joon = scene.enter(&scene.joon, "joon").await;
        let mina = scene.enter(&scene.mina, "mina").await;
        joon.until_frame("sender_name", "미나").await;
        vec![joon.transcript().await, mina.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn message() {
    compare("message", async |scene| {
        let joon = scene.enter(&scene.joon, "joon").await;
        let mina = scene.enter(&scene.mina, "mina").await;
        // Each waits for what was said before: the order is the story's.
        mina.say(AWKWARD).await;
        joon.until_frame("message", AWKWARD).await;
        joon.say("응, 잘 지내?").await;
        mina.until_frame("message", "응, 잘 지내?").await;
        mina.say("그럼").await;
        for tab in [&mina, &joon] {
            tab.until_frame("message", "그럼").await;
        }
        vec![mina.transcript().await, joon.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn second_tab() {
    compare("second tab", async |scene| {
        let joon = scene.enter(&scene.joon, "joon").await;
        let first = scene.enter(&scene.mina, "mina, first tab").await;
        let second = scene.open(&scene.mina, &scene.room_view(), "mina, second tab").await;
        second.say("from the second").await;
        first.until_frame("message", "from the second").await;
        joon.until_frame("message", "from the second").await;
        joon.say("to both").await;
        for tab in [&first, &second, &joon] {
            tab.until_frame("message", "to both").await;
        }
        vec![joon.transcript().await, first.transcript().await, second.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn out_and_back() {
    compare("out", async |scene| {
        let joon = scene.enter(&scene.joon, "joon").await;
        let mina = scene.enter(&scene.mina, "mina").await;
        joon.until_frame("sender_name", "미나").await;
        mina.close().await;
        joon.until_frame("response_type", "out").await;
        let back = scene.enter(&scene.mina, "mina, back").await;
        back.say("again").await;
        joon.until_frame("message", "again").await;
        vec![joon.transcript().await, back.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn alert() {
    compare("alert", async |scene| {
        let joon = scene.enter(&scene.joon, "joon").await;
        let mina = scene.enter(&scene.mina, "mina").await;
        joon.until_frame("sender_name", "미나").await;
        let (room, user) = (scene.room.id.to_string(), scene.mina.id.to_string());
        mina.send(&json!({"user_id": user, "message": "no room"}).to_string()).await;
        mina.send(&json!({"room_id": room, "message": "no user"}).to_string()).await;
        mina.send(&json!({"room_id": "", "user_id": user, "message": "an empty room"}).to_string()).await;
        // The socket lives, and nobody else has heard of it. Ids may be numbers.
        mina.send(
            &json!({"room_id": scene.room.id, "user_id": scene.mina.id, "message": "both"}).to_string(),
        )
        .await;
        for tab in [&mina, &joon] {
            tab.until_frame("message", "both").await;
        }
        vec![mina.transcript().await, joon.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn alarm() {
    compare("alarm", async |scene| {
        let first = scene.open(&scene.mina, &View::Alarm, "mina, first tab").await;
        let second = scene.open(&scene.mina, &View::Alarm, "mina, second tab").await;
        let joon = scene.open(&scene.joon, &View::Alarm, "joon").await;
        scene
            .notify(
                &scene.mina,
                &json!({"kind": "order", "id": 7, "text": AWKWARD, "paid": true, "tip": null}),
            )
            .await;
        scene.notify(&scene.mina, &json!({"kind": "last", "lines": [1, 2.5, {"of": "many"}]})).await;
        scene.notify(&scene.joon, &json!({"kind": "last"})).await;
        for tab in [&first, &second, &joon] {
            tab.until_frame("kind", "last").await;
        }
        vec![first.transcript().await, second.transcript().await, joon.transcript().await]
    })
    .await;
}

#[tokio::test]
async fn bad_token() {
    compare("bad token", async |scene| {
        let (site, mina) = (scene.stage.site.signer(), &scene.mina);
        let stranger = Signer { key: "a key of somebody who would like to be the site".to_owned() };
        let mut cut = mina.access.clone();
        cut.truncate(cut.len() - 4);
        let tokens = [
            ("no token at all", "nonsense".to_owned()),
            ("a signature that is cut", cut),
            ("a stranger's signature", stranger.token(mina, TokenType::Access, HOUR)),
            ("expired", site.expired(mina, HOUR)),
            ("a refresh token", mina.refresh.clone()),
        ];
        let mut transcripts = Vec::new();
        for (name, token) in &tokens {
            transcripts.push(scene.refused(Some(token), &scene.room_view(), name).await);
        }
        for view in [View::Simple, View::Alarm] {
            transcripts.push(scene.refused(Some("nonsense"), &view, &format!("{view:?}")).await);
        }
        // Had the signer made wrong tokens, all of them would be refused.
        let good = site.token(mina, TokenType::Access, HOUR);
        let tab = scene.stage.open_with(scene.side, mina, Some(&good), &View::Alarm, "a good one").await;
        tab.until_opened().await;
        transcripts.push(tab.transcript().await);
        transcripts
    })
    .await;
}

#[tokio::test]
async fn no_token() {
    compare("no token", async |scene| {
        let mut transcripts = Vec::new();
        for view in [scene.room_view(), View::Simple, View::Alarm] {
            transcripts.push(scene.refused(None, &view, &format!("{view:?}")).await);
        }
        transcripts
    })
    .await;
}

#[tokio::test]
async fn unknown_room() {
    compare("unknown room", async |scene| {
        let view = View::Room(NO_ROOM.to_owned());
        vec![scene.refused(Some(&scene.mina.access), &view, "mina").await]
    })
    .await;
}

#[tokio::test]
async fn simple_variant() {
    compare("simple variant", async |scene| {
        let joon = scene.open(&scene.joon, &View::Simple, "joon").await;
        let mina = scene.open(&scene.mina, &View::Simple, "mina").await;
        mina.say(AWKWARD).await;
        joon.until_frame("message", AWKWARD).await;
        joon.say("hello").await;
        for tab in [&mina, &joon] {
            tab.until_frame("message", "hello").await;
        }
        vec![mina.transcript().await, joon.transcript().await]
    })
    .await;
}
