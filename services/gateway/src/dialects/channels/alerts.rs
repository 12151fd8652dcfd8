//! Refusals, with the texts that the front ends show to users.

use madang_domain::{Code, limits::MESSAGE_TEXT_MAX_CHARS};

/// Why a frame was refused. The socket stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alert {
    /// The room or user is missing, or differs from the socket's.
    WrongAccess,
    /// The frame is not a JSON object.
    NotJson,
    /// The text is missing or blank.
    NoText,
    /// The text is longer than a message may be.
    TooLong,
    /// The text contains what no database stores, or the key is out of bounds.
    NotValid,
    /// The user has no permission, or no longer has it.
    Denied,
    /// Too many messages.
    TooMany,
    /// The store does not answer.
    Unavailable,
}

impl Alert {
    /// The text of the alert.
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
