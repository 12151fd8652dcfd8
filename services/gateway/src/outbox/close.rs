//! The reasons why a socket closes, and their close codes.

use madang_contract::close;

/// Why a socket closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The client closed, or its connection broke. No close frame is sent.
    Gone,
    /// A frame is larger than the limit.
    FrameTooLarge,
    /// The server is stopping.
    Restart,
    /// Too many sockets arrive at once.
    Busy,
    /// The client sent something that is not a frame of the subprotocol.
    Malformed,
    /// The credential is missing or invalid.
    BadCredential,
    /// The credential has expired and was not renewed.
    Expired,
    /// The session was revoked.
    Revoked,
    /// The user is no longer a member of the one room that the socket is for.
    Removed,
    /// The client sent no credential in time.
    AuthTimeout,
    /// The client has sent nothing for too long.
    HeartbeatTimeout,
    /// The user has too many sockets.
    TooManyConnections,
    /// The client sends more frames than the limit allows.
    TooManyFrames,
    /// The client reads too slowly.
    TooSlow,
}

impl Close {
    /// The close code and the reason on the wire; `None` if no close frame is sent.
    pub(crate) const fn code_and_reason(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Gone => None,
            Self::FrameTooLarge => Some((close::TOO_LARGE, "the frame is larger than the limit")),
            Self::Restart => Some((close::RESTART, "the server restarts: reconnect")),
            Self::Busy => {
                Some((close::RESTART, "too many come at once: reconnect after the time you were told"))
            }
            Self::Malformed => Some((close::MALFORMED, "not a text frame of this subprotocol")),
            Self::BadCredential => {
                Some((close::UNAUTHENTICATED, "the credential is missing or not valid: get a token first"))
            }
            Self::Expired => Some((close::UNAUTHENTICATED, "the token has expired: get a new one")),
            Self::Revoked => Some((close::UNAUTHENTICATED, "the session was revoked: sign in again")),
            Self::Removed => Some((close::FORBIDDEN, "no longer a member of the room")),
            Self::AuthTimeout => Some((close::TIMEOUT, "no credential in time")),
            Self::HeartbeatTimeout => Some((close::TIMEOUT, "no answer to the heartbeat")),
            Self::TooManyConnections => Some((close::TOO_MANY, "the user holds or opens too many sockets")),
            Self::TooManyFrames => Some((close::TOO_MANY, "too many frames")),
            Self::TooSlow => Some((close::TOO_SLOW, "too slow: reconnect with cursors")),
        }
    }

    /// The name in logs and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::FrameTooLarge => "frame_too_large",
            Self::Restart => "restart",
            Self::Busy => "busy",
            Self::Malformed => "malformed",
            Self::BadCredential => "bad_credential",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Removed => "removed",
            Self::AuthTimeout => "auth_timeout",
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyFrames => "too_many_frames",
            Self::TooSlow => "too_slow",
        }
    }
}
