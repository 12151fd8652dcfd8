//! The reasons why a socket closes, and their close codes.

use madang_contract::{WireFrame, close};
use madang_kit::metrics::Label;

/// Why a socket closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The connection broke: there is nobody to tell.
    Gone,
    /// The client closed, with this code or with none; it is answered with the same.
    ByClient(Option<u16>),
    /// What came violates RFC 6455.
    ProtocolError,
    /// A frame is binary, which this subprotocol has not.
    Binary,
    /// A text is not UTF-8.
    NotUtf8,
    /// A frame is larger than the limit.
    FrameTooLarge,
    /// The server is stopping.
    Restart,
    /// The socket is old: its client may reach another gateway.
    Old,
    /// Too many sockets arrive at once.
    Busy,
    /// No credential, or a bad one.
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
    /// The frame that says it; none when there is nobody to tell.
    pub(crate) fn frame(self) -> Option<WireFrame> {
        match self {
            Self::ByClient(code) => Some(WireFrame::close(code, "")),
            other => other.code_and_reason().map(|(code, reason)| WireFrame::close(Some(code), reason)),
        }
    }

    /// The close code and the reason on the wire, where it is the server that closes and somebody is there to be told.
    const fn code_and_reason(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Gone | Self::ByClient(_) => None,
            Self::ProtocolError => Some((close::PROTOCOL_ERROR, "this violates RFC 6455")),
            Self::Binary => Some((close::UNSUPPORTED, "this subprotocol has text frames alone")),
            Self::NotUtf8 => Some((close::INVALID_DATA, "not UTF-8")),
            Self::FrameTooLarge => Some((close::TOO_LARGE, "the frame is larger than the limit")),
            Self::Restart => Some((close::RESTART, "the server restarts: reconnect")),
            Self::Old => Some((close::RESTART, "the socket is old: reconnect")),
            Self::Busy => {
                Some((close::RESTART, "too many come at once: reconnect after the time you were told"))
            }
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
            Self::ByClient(_) => "by_client",
            Self::ProtocolError => "protocol_error",
            Self::Binary => "binary",
            Self::NotUtf8 => "not_utf8",
            Self::FrameTooLarge => "frame_too_large",
            Self::Restart => "restart",
            Self::Old => "old",
            Self::Busy => "busy",
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

impl Label for Close {
    const NAME: &'static str = "reason";
    const VALUES: &'static [&'static str] = &[
        "gone",
        "by_client",
        "protocol_error",
        "binary",
        "not_utf8",
        "frame_too_large",
        "restart",
        "busy",
        "bad_credential",
        "old",
        "expired",
        "revoked",
        "removed",
        "auth_timeout",
        "heartbeat_timeout",
        "too_many_connections",
        "too_many_frames",
        "too_slow",
    ];

    fn index(self) -> usize {
        // Once in the life of a socket.
        let name = self.as_str();
        Self::VALUES.iter().position(|value| *value == name).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_by_its_name() {
        for close in [
            Close::Gone,
            Close::ByClient(Some(1_000)),
            Close::ProtocolError,
            Close::Binary,
            Close::NotUtf8,
            Close::FrameTooLarge,
            Close::Restart,
            Close::Busy,
            Close::BadCredential,
            Close::Old,
            Close::Expired,
            Close::Revoked,
            Close::Removed,
            Close::AuthTimeout,
            Close::HeartbeatTimeout,
            Close::TooManyConnections,
            Close::TooManyFrames,
            Close::TooSlow,
        ] {
            assert_eq!(Close::VALUES.get(close.index()), Some(&close.as_str()));
        }
    }
}
