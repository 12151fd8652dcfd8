//! The frames that front ends send.

use madang_domain::{IdempotencyKey, MessageText, Profile, limits::MESSAGE_TEXT_MAX_CHARS};
use serde_json::{Map, Value};

use super::alerts::Alert;
use crate::formats::site_names::{self, Room};

/// A message to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(super) text: MessageText,
    /// The idempotency key. Old front ends send none. One that retries without an answer can add it.
    pub(super) key: Option<IdempotencyKey>,
}

/// Reads a frame of a room's socket: `{"room_id", "user_id", "message"}`.
///
/// The token determines the sender. A frame with another user, or with another room than the socket's, is
/// refused like one without them.
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
    // What is counted, and what is nothing, is what is left of it.
    let text = MessageText::formed(text);
    if text.chars().count() > MESSAGE_TEXT_MAX_CHARS {
        return Err(Alert::TooLong);
    }
    let nothing = if text.contains('\0') { Alert::NotValid } else { Alert::NoText };
    let text = MessageText::new(text).map_err(|_| nothing)?;
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
            (json!("\u{200b}\u{3164}"), Alert::NoText),
            (json!("\u{202e}\u{7}"), Alert::NoText),
        ] {
            assert_eq!(read(&json!({"room_id": 7, "user_id": 41, "message": message})), Err(alert));
        }
        assert_eq!(read(&json!({"room_id": 7, "user_id": 41})), Err(Alert::NoText));
        for frame in ["", "{", "[]", "[7,41,\"x\"]", "null", "\"x\"", "{\"message\":\"x\"} y"] {
            assert_eq!(plain(frame), Err(Alert::NotJson), "{frame}");
        }
    }

    #[test]
    fn a_text_is_composed_and_counted_without_what_deceives() {
        let text =
            |text: &str| plain(&json!({"message": text}).to_string()).map(|said| said.text.into_string());
        assert_eq!(text("caf\u{65}\u{301} \u{202e}gnp.exe\u{7}").unwrap(), "café gnp.exe");
        let full = "가".repeat(MESSAGE_TEXT_MAX_CHARS);
        assert_eq!(text(&format!("\u{202a}{full}\u{202c}")).unwrap(), full);
        assert_eq!(text(&"\u{1100}\u{1161}".repeat(MESSAGE_TEXT_MAX_CHARS)).unwrap(), full);
        assert_eq!(text(&format!("{full}가")), Err(Alert::TooLong));
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
