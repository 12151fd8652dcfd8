//! The REST routes.

mod client;
mod error;
mod types;

pub use client::Client;
pub use error::{Error, Problem};
pub use types::{
    Grant, HistoryPage, Member, MemberUser, NewRoom, Page, Profile, ReadMark, Room, SentMessage, SessionInfo,
    Ticket,
};
