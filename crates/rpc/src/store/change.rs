//! Changes, and the events that they commit.

pub use madang_domain::Authority;
use madang_domain::event::Event;
use madang_proto::store::v1 as wire;

use crate::wire::{DecodeError, Result, Wire};

/// A change that was made, and the events that it committed, for the gateway to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    /// What there is now.
    pub value: T,
    /// What happened: of each topic in order. A change of a room may have events in the inboxes of those whom
    /// it concerns.
    pub events: Vec<Event>,
}

/// Makes messages that carry events alone the changes after which there is nothing.
macro_rules! of_nothing {
    ($($Message:path),*) => {$(
        impl $crate::wire::Wire<$Message> for Changed<()> {
            fn encode(&self) -> $Message {
                $Message { events: $crate::wire::Wire::encode(&self.events) }
            }

            fn decode(message: $Message) -> $crate::wire::Result<Self> {
                Ok(Self { value: (), events: $crate::wire::field("events", message.events)? })
            }
        }
    )*};
}
pub(super) use of_nothing;

impl Wire<i32> for Authority {
    fn encode(&self) -> i32 {
        match self {
            Self::User => wire::Authority::User,
            Self::Site => wire::Authority::Site,
            Self::SiteAsUser => wire::Authority::SiteAsUser,
        }
        .into()
    }

    /// A caller that says nothing has nothing but the actor's role.
    fn decode(authority: i32) -> Result<Self> {
        match wire::Authority::try_from(authority) {
            Ok(wire::Authority::Unspecified | wire::Authority::User) => Ok(Self::User),
            Ok(wire::Authority::Site) => Ok(Self::Site),
            Ok(wire::Authority::SiteAsUser) => Ok(Self::SiteAsUser),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}
