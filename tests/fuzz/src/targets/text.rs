//! Names and texts: what is accepted has one form, which stays as it is.

use madang_domain::{
    AttachmentUrl, AvatarUrl, DisplayName, Emoji, ExternalId, FileName, IdempotencyKey, MediaType, MessageId,
    MessageText, RoomName, RoomRef, Slug, UserRef, Username, limits, to_nfc,
};

/// An accepted text is accepted again and stays as it is; so is its JSON.
macro_rules! one_form {
    ($text:expr, $($Type:ident),* $(,)?) => {$(
        if let Ok(form) = $Type::new($text) {
            assert_eq!($Type::new(form.as_str()), Ok(form.clone()), "{}", stringify!($Type));
            let json = serde_json::to_string(&form).unwrap_or_default();
            assert_eq!(serde_json::from_str(&json).ok(), Some(form), "{}", stringify!($Type));
        }
    )*};
}

/// What an earlier version recorded is read as it was, once it has been read.
macro_rules! recorded {
    ($text:expr, $($Type:ident),* $(,)?) => {$(
        if let Ok(form) = $Type::recorded($text) {
            assert_eq!($Type::recorded(form.as_str()), Ok(form.clone()), "{}", stringify!($Type));
        }
        if let Ok(form) = $Type::new($text) {
            assert_eq!($Type::recorded(form.as_str()), Ok(form.clone()), "{}", stringify!($Type));
        }
    )*};
}

/// A reference is written as it is read.
macro_rules! written_back {
    ($text:expr, $($Type:ident),* $(,)?) => {$(
        if let Ok(reference) = $text.parse::<$Type>() {
            assert_eq!(reference.to_string().parse::<$Type>().ok(), Some(reference), "{}", stringify!($Type));
        }
    )*};
}

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    one_form!(
        text,
        AttachmentUrl,
        AvatarUrl,
        DisplayName,
        Emoji,
        ExternalId,
        FileName,
        IdempotencyKey,
        MediaType,
        MessageText,
        RoomName,
        Slug,
        Username,
    );
    recorded!(text, DisplayName, Emoji, RoomName, Username);
    written_back!(text, MessageId, RoomRef, UserRef);
    message(text);
    username(text);
}

fn message(text: &str) {
    let formed = MessageText::formed(text.to_owned());
    assert_eq!(MessageText::formed(formed.clone()), formed);
    assert_eq!(to_nfc(formed.clone()), formed, "composed");
    let hides = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!formed.contains(hides), "what overrides the direction of text stays: {formed:?}");
    if let Ok(text) = MessageText::new(text) {
        assert_eq!(text.as_str(), formed);
        assert!(text.chars().count() <= limits::MESSAGE_TEXT_MAX_CHARS);
    }
}

fn username(text: &str) {
    if let Some(near) = Username::near(text) {
        assert_eq!(Username::new(near.as_str()), Ok(near.clone()), "what is near to a name is one");
        assert_eq!(Username::near(&near), Some(near), "nothing is nearer to a name than itself");
    }
    if let Ok(name) = Username::new(text) {
        assert!((2..=limits::USERNAME_MAX_CHARS).contains(&name.chars().count()));
        assert_eq!(Username::new(name.to_ascii_uppercase()), Ok(name.clone()), "whatever its case");
        assert_eq!(to_nfc(name.skeleton()), name.skeleton());
    }
}
