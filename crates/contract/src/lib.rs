//! The frames of `madang.v1.json`: what a client and a gateway say to each other.
//!
//! What a gateway receives is parsed strictly ([`ClientFrame`]): an unknown field or type is refused. What a
//! client receives is parsed leniently ([`ServerFrame`]): it ignores what it does not know.

mod client;
mod server;
mod wire;

pub use client::{ClientFrame, FrameError, Request, RequestId, RoomSince, Subscribe};
pub use server::{
    Ack, Attachment, CaughtUp, CustomData, ErrorFrame, Event, EventBody, Hello, Inbox, Invite, Joined, Left,
    Limits, Mention, Message, Notice, NoticeBody, OkFrame, Pong, Presence, PresenceChange, Properties, Read,
    Reconnect, RoleChange, RoomError, ServerFrame, Subscribed, SubscribedRoom, Typing, User,
};
pub use wire::{PING, WireFrame};
