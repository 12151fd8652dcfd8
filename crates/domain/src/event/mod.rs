//! Events: everything durable that happens in a topic. `kind.rs` has the table in which each kind is written once.

mod kind;
mod membership;
mod message;
mod notice;
mod room;

use std::sync::Arc;

use crate::{Profile, Seq, Timestamp, TopicId};

pub use kind::{DetailError, EventBody, EventKind, MESSAGE_IN_THREAD, Unknown, is_message};
pub use membership::*;
pub use message::*;
pub use notice::*;
pub use room::*;

/// One durable thing that happened in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The topic in which it happened.
    pub topic: TopicId,
    /// Its place in the topic's log.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// The user who did it, as the profile is now.
    pub actor: Arc<Profile>,
    /// The user whom it is about, as the profile is now; present where [`EventKind::has_subject`] says so.
    pub subject: Option<Arc<Profile>>,
    /// What happened.
    pub body: EventBody,
}
