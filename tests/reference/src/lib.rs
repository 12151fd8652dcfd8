//! Madang beside the system that it replaces: a small Django Channels site, an old front end in headless Chromium, and
//! what both systems said to it. `tests/reference/README.md` says how it is run and what it shows.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on ends with a message")]

mod browser;
mod http;
mod patience;
mod person;
mod site;
mod stage;
mod token;
mod transcript;

pub use browser::{Browser, Tab, View};
pub use patience::{PATIENCE, eventually, within};
pub use person::Person;
pub use site::{Site, SiteProcess};
pub use stage::{Side, Stage};
pub use token::{Signer, TokenType};
pub use transcript::{Entry, Transcript};
