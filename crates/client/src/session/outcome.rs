//! What came of a message or a subscription.

use madang_domain::{Code, IdempotencyKey, Seq, Timestamp};

/// A message that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id in its room.
    pub id: String,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// An earlier try had already been committed.
    pub duplicate: bool,
    /// The key under which it was sent.
    pub key: IdempotencyKey,
}

/// Why a message was not sent, as far as one knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server refused it.
    #[error("{code}: {message}")]
    Refused {
        /// The code.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// It was not acknowledged in time. It may be committed all the same: repeat it with the same key.
    #[error("not acknowledged in time under the key {}", key.as_str())]
    Unknown {
        /// The key.
        key: IdempotencyKey,
    },
    /// The text or key is outside its bounds.
    #[error("{0}")]
    Invalid(String),
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

/// Why a room was not subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The server refused it.
    #[error("{code}: {message}")]
    Refused {
        /// The code.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}
