//! The REST routes.

mod client;
mod error;
mod types;

pub use client::Client;
pub use error::{Error, Problem};
pub use types::{
    Grant, InboxPage, Member, NewRoom, Page, PastMessage, Profile, PublicProfile, ReadMark, Room,
    SentMessage, SessionInfo, Ticket,
};
