//! A client of Madang in Rust, for tests, tools and the command line.
//!
//! Three layers, each usable without the one above it:
//!
//! | layer | what it is |
//! | --- | --- |
//! | [`Client`] | the REST routes, typed; refusals are [`Problem`]s |
//! | [`Socket`] | one WebSocket: typed frames, and raw ones for whoever tests a server |
//! | [`Session`] | a conversation that outlives its sockets: it reconnects, resumes from its cursors, repeats what was not acknowledged, and hands out each event once and in order |
//!
//! It talks to `http` addresses, of one machine or behind an ingress; with the feature `tls` to `https` ones, too.
//!
//! ```no_run
//! use std::time::Duration;
//! use madang_client::{Client, Credential, NewRoom, Session, SessionEvent, SessionOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let guest = Client::new("http://127.0.0.1:8080")?;
//! let tokens = guest.register("mina", "a long enough password", None).await?;
//! let mina = guest.with_token(&tokens.access_token);
//! let room = mina.create_room(&NewRoom::public("Courtyard")).await?;
//!
//! let (session, mut events) = Session::start(
//!     vec![guest.base().to_owned()],
//!     Credential::Bearer(tokens.access_token),
//!     SessionOptions::default(),
//! );
//! session.subscribe(room.id, None).await?;
//! let sent = session.send(room.id, "안녕하세요").await?;
//! while let Some(event) = events.next_within(Duration::from_secs(5)).await? {
//!     if let SessionEvent::Event(event) = event {
//!         println!("{} {:?}", event.seq, event.message());
//!         if event.seq == sent.seq {
//!             break;
//!         }
//!     }
//! }
//! session.close().await;
//! # Ok(())
//! # }
//! ```

mod rest;
mod session;
mod socket;

pub use madang_flow_control::Backoff;
pub use rest::{
    Account, AuthSession, BlockedUser, Client, Error, FollowedThread, FoundMessage, InboxPage, Member,
    MessagesPage, NewRoom, Page, Person, Problem, ProfileChanges, ReadMark, Reads, Revision, Room,
    RoomMessage, SearchFor, SearchPage, SentMessage, Sync, TextRange, ThreadPage, ThreadPlace, Ticket,
    Tokens,
};
pub use session::{
    Fault, SendError, Sent, Session, SessionEvent, SessionEvents, SessionOptions, SubscribeError,
};
pub use socket::{
    Body, Close, ConnectOptions, Credential, InboxNotice, Incoming, NoticeOf, RoomEvent, Socket, SocketError,
    close_code,
};
