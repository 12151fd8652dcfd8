//! The public contract: the frames of `madang.v1.json`, the bodies of the REST routes, and their schemas.
//!
//! A gateway parses strictly what it receives ([`ClientFrame`], the requests of [`rest`]): it refuses an unknown field
//! or type. A client parses leniently what it receives ([`ServerFrame`], the answers of [`rest`]): it ignores what it
//! does not know.
//!
//! [`schema`] makes the OpenAPI and AsyncAPI documents from these types and from the table [`rest::ROUTES`].

mod attachment;
mod broken;
mod client;
pub mod close;
mod message;
mod people;
mod refusal;
pub mod rest;
mod samples;
pub mod schema;
mod server;
mod settings;
mod user;
mod wire;

pub use attachment::{Attachment, FileToAttach, Link, NewAttachment};
pub use client::{ClientFrame, FrameError, Request, RequestId, RoomSince, Subscribe};
pub use message::{Excerpt, Message, Reactions, RoomMessage, Thread};
pub use people::{Person, Status};
pub use refusal::in_words;
pub use server::*;
pub use settings::{RoomSettings, UserSettings};
pub use user::{Account, SiteUser, User};
pub use wire::{CONTROL_PAYLOAD_MAX_BYTES, PING, WireFrame};
