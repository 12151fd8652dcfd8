//! The REST routes.

mod client;
mod error;
mod messages;
mod reads;
mod search;
mod threads;
mod users;

pub use client::Client;
pub use error::Error;
pub use madang_contract::rest::{
    AuthSession, Page, ProfileChanges, ReadMark, Reads, Revision, SentMessage, TextRange, ThreadPlace, Ticket,
};
pub use search::SearchFor;

/// A user with the name to sign in with.
pub type Account = madang_contract::Account<'static>;
/// A user with what the caller sees of the user.
pub type Person = madang_contract::Person<'static>;
/// A message with its room, place and time.
pub type RoomMessage = madang_contract::RoomMessage<'static>;
/// A message that was searched for.
pub type FoundMessage = madang_contract::rest::FoundMessage<'static>;
/// A page of a thread.
pub type ThreadPage = madang_contract::rest::ThreadPage<RoomMessage>;
/// A thread that the user follows.
pub type FollowedThread = madang_contract::rest::FollowedThread<RoomMessage>;
/// A page of a search.
pub type SearchPage = madang_contract::rest::SearchPage<FoundMessage>;
/// A page of what a client needs to start.
pub type Sync = madang_contract::rest::Sync<'static>;
/// A room, as the user who asks sees it.
pub type Room = madang_contract::rest::Room<'static>;
/// A member of a room.
pub type Member = madang_contract::rest::Member<'static>;
/// A user whom the user has blocked.
pub type BlockedUser = madang_contract::rest::BlockedUser<'static>;
/// The tokens of a signed-in device.
pub type Tokens = madang_contract::rest::Tokens<'static>;
/// A refusal, as `application/problem+json` (RFC 9457).
pub type Problem = madang_contract::rest::Problem<'static>;
/// A room to make. The server checks its texts.
pub type NewRoom = madang_contract::rest::NewRoom<String, String>;
/// A page of a room's messages.
pub type MessagesPage = madang_contract::rest::MessagesPage<RoomMessage>;
/// A page of the user's inbox; a notice of a kind that this client does not know keeps its place.
pub type InboxPage = madang_contract::rest::InboxPage<crate::socket::InboxNotice>;
