//! Refusals, in the words that users of the front ends read.

use madang_domain::{Code, limits::MESSAGE_TEXT_MAX_CHARS};

/// Why a frame was refused. The socket lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alert {
    /// A room or user is not named, or is another than the socket's.
    WrongAccess,
    /// No JSON object.
    NotJson,
    /// No text, or a blank one.
    NoText,
    /// More text than a message holds.
    TooLong,
    /// What no database stores, or a key out of its bounds.
    NotValid,
    /// The user has not the right, or has it no more.
    Denied,
    /// Too many messages.
    TooMany,
    /// The store does not answer.
    Unavailable,
}

impl Alert {
    /// What the alert says.
    pub(super) fn text(self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::WrongAccess => "올바르지 않은 접근".into(),
            Self::NotJson => "JSON 형식이 올바르지 않습니다".into(),
            Self::NoText => "메시지를 입력해 주세요".into(),
            Self::TooLong => format!("메시지는 {MESSAGE_TEXT_MAX_CHARS}자까지 보낼 수 있습니다").into(),
            Self::NotValid => "보낼 수 없는 메시지입니다".into(),
            Self::Denied => "이 방에 메시지를 보낼 권한이 없습니다".into(),
            Self::TooMany => "메시지를 너무 자주 보내고 있습니다. 잠시 후 다시 시도해 주세요".into(),
            Self::Unavailable => "지금은 메시지를 보낼 수 없습니다. 잠시 후 다시 시도해 주세요".into(),
        }
    }
}

impl From<Code> for Alert {
    fn from(code: Code) -> Self {
        match code {
            Code::InvalidArgument | Code::AlreadyExists | Code::FailedPrecondition => Self::NotValid,
            Code::Unauthenticated | Code::PermissionDenied | Code::NotFound => Self::Denied,
            Code::TooLarge => Self::TooLong,
            Code::RateLimited => Self::TooMany,
            Code::Unavailable | Code::DeadlineExceeded | Code::Internal => Self::Unavailable,
        }
    }
}
