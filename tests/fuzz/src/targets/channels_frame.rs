//! A text frame of a socket of the Channels dialect.

use std::{borrow::Cow, sync::LazyLock};

use madang_domain::{
    DisplayName, ExternalId, IdempotencyKey, MessageText, Profile, RoomId, Timestamp, UserId, Username,
    limits,
};
use madang_gateway::fuzzing::{ChannelsSocket, plain_frame};
use serde_json::{Value, json};
use uuid::Uuid;

const ROOM: Uuid = Uuid::from_u128(1);
const USER: Uuid = Uuid::from_u128(2);
const ROOM_AT_SITE: &str = "7";
const USER_AT_SITE: &str = "41";
const PATH: &str = "lobby";
/// The longest text of an alert.
const ALERT_MAX_BYTES: usize = 200;

type Said = Result<(MessageText, Option<IdempotencyKey>), Cow<'static, str>>;

#[expect(clippy::expect_used, reason = "constants")]
static SOCKET: LazyLock<ChannelsSocket> = LazyLock::new(|| {
    let me = Profile {
        id: UserId::new(USER),
        username: Username::new("mina").expect("a username"),
        name: DisplayName::new("Mina").expect("a name"),
        avatar_url: None,
        external_id: Some(ExternalId::new(USER_AT_SITE).expect("an id")),
        version: Timestamp::default(),
    };
    ChannelsSocket::new(RoomId::new(ROOM), Some(ExternalId::new(ROOM_AT_SITE).expect("an id")), PATH, me)
});

pub(crate) fn check(input: &[u8]) {
    let Ok(frame) = std::str::from_utf8(input) else { return };
    if frame.len() > limits::FRAME_MAX_BYTES {
        return;
    }
    let (addressed, plain) = (SOCKET.addressed(frame), plain_frame(frame));
    judge(&plain);
    judge(&addressed);
    if addressed.is_ok() {
        assert_eq!(addressed, plain, "the address changes nothing of the message");
        let value: Value = serde_json::from_str(frame).unwrap_or_default();
        assert!(names(&value["room_id"], ROOM, &[ROOM_AT_SITE, PATH]), "another room: {frame}");
        assert!(names(&value["user_id"], USER, &[USER_AT_SITE]), "another user: {frame}");
    }
}

/// A message is read again as it was, from its own user alone; a refusal is one of few texts.
fn judge(said: &Said) {
    match said {
        Ok((text, key)) => {
            assert!((1..=limits::MESSAGE_TEXT_MAX_CHARS).contains(&text.chars().count()));
            let again = |user: &str| {
                let key = key.as_deref();
                let frame = json!({"room_id": ROOM_AT_SITE, "user_id": user, "message": &**text, "key": key});
                SOCKET.addressed(&frame.to_string())
            };
            assert_eq!(&again(USER_AT_SITE), said);
            assert!(again("42").is_err(), "another user speaks");
        }
        Err(alert) => assert!((1..=ALERT_MAX_BYTES).contains(&alert.len()), "{alert}"),
    }
}

/// Whether a value is one of these names, or the id.
fn names(value: &Value, id: Uuid, names: &[&str]) -> bool {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    names.contains(&text.as_str()) || text.to_ascii_lowercase() == id.to_string()
}
