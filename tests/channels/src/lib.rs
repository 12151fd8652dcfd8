//! Madang beside the system that it replaces: a small Django Channels site, an old front end in headless Chromium, and
//! what both systems said to it. `tests/channels/README.md` says how it is run and what it shows.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on ends with a message")]

mod browser;
mod django_site;
mod http;
mod madang;
mod person;
mod room;
mod stage;
mod token;
mod transcript;
mod v1;

pub use browser::{Browser, Tab, View};
pub use django_site::{DjangoProcess, DjangoSite};
pub use madang::{Madang, STORE_CONNECTIONS_MAX};
pub use madang_test_kit::{PATIENCE, eventually, within};
pub use person::Person;
pub use room::Room;
pub use stage::{Side, Stage};
pub use token::{Signer, TokenType};
pub use transcript::{Entry, Transcript};
pub use v1::{resume_messages, send_twice};
