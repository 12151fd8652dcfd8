//! What front ends send.

use madang_domain::{IdempotencyKey, MessageText, Profile, limits::MESSAGE_TEXT_MAX_CHARS, to_nfc};
use serde_json::{Map, Value};

use super::alerts::Alert;
use crate::formats::site_names::{self, Room};

/// Something to be said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(super) text: MessageText,
    /// What makes a repeat the same message. Front ends of old have none; one that repeats after a silence can add
    /// it.
    pub(super) key: Option<IdempotencyKey>,
}

/// Reads a frame of a room's socket: `{"room_id", "user_id", "message"}`.
///
/// Who speaks is known from the token. A frame that says another user, or another room than the socket's, is refused
/// as one that says none.
pub(super) fn addressed(frame: &str, room: &Room, me: &Profile) -> Result<Said, Alert> {
    let mut frame = object(frame)?;
    let named = |name| frame.get(name).unwrap_or(&Value::Null);
    if !room.is(named("room_id")) || !site_names::is_user(named("user_id"), me) {
        return Err(Alert::WrongAccess);
    }
    said(&mut frame)
}

/// Reads a frame of the simple variant: `{"message"}`.
pub(super) fn plain(frame: &str) -> Result<Said, Alert> {
    said(&mut object(frame)?)
}

fn object(frame: &str) -> Result<Map<String, Value>, Alert> {
    serde_json::from_str(frame).map_err(|_| Alert::NotJson)
}

fn said(frame: &mut Map<String, Value>) -> Result<Said, Alert> {
    let Some(Value::String(text)) = frame.remove("message") else { return Err(Alert::NoText) };
    if text.trim().is_empty() {
        return Err(Alert::NoText);
    }
    let text = to_nfc(text);
    if text.chars().count() > MESSAGE_TEXT_MAX_CHARS {
        return Err(Alert::TooLong);
    }
    let text = MessageText::new(text).map_err(|_| Alert::NotValid)?;
    let key = match frame.remove("key") {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) => Some(IdempotencyKey::new(key).map_err(|_| Alert::NotValid)?),
        Some(_) => return Err(Alert::NotValid),
    };
    Ok(Said { text, key })
}

#[cfg(test)]
mod tests {
    use madang_domain::{DisplayName, ExternalId, RoomId, Timestamp, UserId, Username};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn read(frame: &Value) -> Result<Said, Alert> {
        let room = Room {
            id: RoomId::new(Uuid::from_u128(1)),
            external_id: Some(ExternalId::new("7").unwrap()),
            path: "7".into(),
        };
        let me = Profile {
            id: UserId::new(Uuid::from_u128(2)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("미나").unwrap(),
            avatar_url: None,
            external_id: Some(ExternalId::new("41").unwrap()),
            version: Timestamp::default(),
        };
        addressed(&frame.to_string(), &room, &me)
    }

    #[test]
    fn whoever_says_room_and_self_may_speak() {
        let me = Uuid::from_u128(2).to_string();
        for (room, user) in [(json!("7"), json!("41")), (json!(7), json!(41)), (json!(7), json!(me))] {
            let said = read(&json!({"room_id": room, "user_id": user, "message": "안녕", "type": "chat"}));
            assert_eq!(said.unwrap().text.as_str(), "안녕");
        }
    }

    #[test]
    fn whoever_says_neither_or_another_may_not() {
        for frame in [
            json!({"message": "x"}),
            json!({"room_id": 7, "message": "x"}),
            json!({"user_id": 41, "message": "x"}),
            json!({"room_id": 7, "user_id": null, "message": "x"}),
            json!({"room_id": 7, "user_id": "", "message": "x"}),
            json!({"room_id": 7, "user_id": 42, "message": "x"}),
            json!({"room_id": 8, "user_id": 41, "message": "x"}),
            json!({"room_id": 8}),
        ] {
            assert_eq!(read(&frame), Err(Alert::WrongAccess), "{frame}");
        }
    }

    #[test]
    fn what_is_no_message_has_an_alert_of_its_own() {
        let too_long = "x".repeat(MESSAGE_TEXT_MAX_CHARS + 1);
        for (message, alert) in [
            (Value::Null, Alert::NoText),
            (json!(" \n"), Alert::NoText),
            (json!({"text": "x"}), Alert::NoText),
            (json!(too_long), Alert::TooLong),
            (json!("a\u{0}b"), Alert::NotValid),
        ] {
            assert_eq!(read(&json!({"room_id": 7, "user_id": 41, "message": message})), Err(alert));
        }
        assert_eq!(read(&json!({"room_id": 7, "user_id": 41})), Err(Alert::NoText));
        for frame in ["", "{", "[]", "[7,41,\"x\"]", "null", "\"x\"", "{\"message\":\"x\"} y"] {
            assert_eq!(plain(frame), Err(Alert::NotJson), "{frame}");
        }
    }

    #[test]
    fn a_key_is_optional_and_bounded() {
        let key = |key: Value| plain(&json!({"message": "x", "key": key}).to_string()).map(|said| said.key);
        assert_eq!(key(Value::Null), Ok(None));
        assert_eq!(key(json!("k")), Ok(Some(IdempotencyKey::new("k").unwrap())));
        assert_eq!(key(json!("")), Err(Alert::NotValid));
        assert_eq!(key(json!("k".repeat(65))), Err(Alert::NotValid));
        assert_eq!(key(json!(7)), Err(Alert::NotValid));
    }
}
