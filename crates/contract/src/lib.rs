//! The public contract: the frames of `madang.v1.json`, the bodies of the REST routes, and their schemas.
//!
//! A gateway parses strictly what it receives ([`ClientFrame`], the requests of [`rest`]): it refuses an unknown field
//! or type. A client parses leniently what it receives ([`ServerFrame`], the answers of [`rest`]): it ignores what it
//! does not know.
//!
//! [`schema`] makes the OpenAPI and AsyncAPI documents from these types and from the table [`rest::ROUTES`].

mod broken;
mod client;
pub mod close;
mod message;
pub mod rest;
pub mod schema;
mod server;
mod user;
mod wire;

pub use client::{ClientFrame, FrameError, Request, RequestId, RoomSince, Subscribe};
pub use message::{Attachment, Message, RoomMessage};
pub use server::{
    Ack, Answer, CaughtUp, CustomData, ErrorFrame, Event, EventBody, Hello, HistoryPage, Inbox, Invite,
    Joined, Left, Limits, Mention, Notice, NoticeBody, OkFrame, Pong, Presence, PresenceAnswer,
    PresenceChange, Properties, Read, ReadAnswer, Reconnect, Renewed, RoleChange, RoomError, ServerFrame,
    Subscribed, SubscribedRoom, Typing,
};
pub use user::{Account, SiteUser, User};
pub use wire::{CONTROL_PAYLOAD_MAX_BYTES, PING, WireFrame};
