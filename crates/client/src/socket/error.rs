//! How a socket ends or fails.

use std::{fmt, time::Duration};

use madang_contract::close::CLOSE_CODES;
use tokio_tungstenite::tungstenite;

/// The close codes of the contract.
pub mod close_code {
    pub use madang_contract::close::{
        FORBIDDEN, INVALID_DATA, MALFORMED, PROTOCOL_ERROR, RESTART, TIMEOUT, TOO_LARGE, TOO_MANY, TOO_SLOW,
        UNAUTHENTICATED, UNSUPPORTED,
    };

    /// Done.
    pub const NORMAL: u16 = 1000;
    /// The server or the page goes away.
    pub const GOING_AWAY: u16 = 1001;
    /// No close frame had a code (never on the wire).
    pub const NO_STATUS: u16 = 1005;
    /// The connection broke (never on the wire).
    pub const ABNORMAL: u16 = 1006;
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The code; 1005 and 1006 where none came.
    pub code: u16,
    /// The server's words.
    pub reason: String,
}

impl Close {
    pub(crate) fn abnormal(reason: impl Into<String>) -> Self {
        Self { code: close_code::ABNORMAL, reason: reason.into() }
    }

    pub(crate) fn without_code() -> Self {
        Self { code: close_code::NO_STATUS, reason: String::new() }
    }

    /// Coming back as one is makes sense.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        !CLOSE_CODES.iter().any(|known| known.code == self.code && !known.retry)
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

/// Why a socket does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The address or a credential cannot stand in a handshake.
    #[error("no handshake can be made: {0}")]
    Request(String),
    /// The server answered the handshake with another status than 101.
    #[error("the handshake was refused with status {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The answer's body, as far as it was read.
        body: String,
    },
    /// The connection has ended.
    #[error("the socket is closed: {0}")]
    Closed(Close),
    /// Too many clients come at once: the server has named this one a time to come back.
    #[error("the server is busy: come back after {after:?}")]
    Deferred {
        /// How long from now.
        after: Duration,
    },
    /// Something did not come in time.
    #[error("waited {after:?} for {awaited} in vain")]
    Deadline {
        /// What was waited for.
        awaited: &'static str,
        /// How long.
        after: Duration,
    },
    /// The server sent what the contract does not allow.
    #[error("not what the contract says: {0}")]
    Unexpected(String),
    /// The wire protocol failed.
    #[error("the connection failed: {0}")]
    Transport(Box<tungstenite::Error>),
}

impl SocketError {
    pub(crate) const fn deadline(awaited: &'static str, after: Duration) -> Self {
        Self::Deadline { awaited, after }
    }

    /// How the connection ended, where it did.
    #[must_use]
    pub fn close(&self) -> Option<&Close> {
        match self {
            Self::Closed(close) => Some(close),
            _ => None,
        }
    }

    /// Trying again as one is makes sense.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Closed(close) => close.may_retry(),
            // Of the client's errors, only "not now" passes by itself.
            Self::Refused { status, .. } => *status >= 500 || matches!(status, 408 | 429),
            Self::Request(_) => false,
            Self::Deferred { .. } | Self::Deadline { .. } | Self::Unexpected(_) | Self::Transport(_) => true,
        }
    }
}

impl From<tungstenite::Error> for SocketError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) => Self::Refused {
                status: answer.status().as_u16(),
                body: String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned(),
            },
            other => Self::Transport(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_wrong_or_not_wanted_does_not_come_back_as_it_is() {
        for code in [1000, 1001, 1006, 1009, 1012, 4408, 4429, 4508] {
            assert!(Close { code, reason: String::new() }.may_retry(), "{code}");
        }
        for code in [1002, 1003, 1007, 4400, 4401, 4403] {
            assert!(!Close { code, reason: String::new() }.may_retry(), "{code}");
        }
    }
}
