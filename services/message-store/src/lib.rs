//! The message store: rooms, members, and the ordered log of each topic. It decides who may do what.
//!
//! [`start`] gives a [`Service`], which is a [`madang_rpc::MessageStore`]: the all-in-one calls it directly, the
//! binary serves it by gRPC ([`run`]). The data is in PostgreSQL, or in SQLite for one process.
//!
//! # Where what is
//!
//! | module | idea |
//! | --- | --- |
//! | `service` | every call: its deadline, its measure |
//! | `batch` | group commit: callers wait in a bounded queue, workers take what has queued |
//! | `append`, `open` | the two hot paths, in batches |
//! | `rooms`, `members`, `history`, `inbox` | the other operations |
//! | `mentions` | whom a message names |
//! | `change` | a change under a room's lock, with its events, in one transaction |
//! | `unread` | the arithmetic of unread |
//! | `profiles`, `page` | which profiles are known; the cursors of lists |
//! | `store` | the databases: the only place with SQL |
//! | `start`, `settings`, `process` | starting, and what can be set |

#![expect(clippy::duplicate_mod, reason = "one file of statements, compiled for each database; see `store`")]

mod append;
mod batch;
mod change;
mod cli;
mod error;
mod history;
mod inbox;
mod measures;
mod members;
mod mentions;
mod open;
mod page;
mod profiles;
mod rooms;
mod service;
mod settings;
mod start;
mod store;
mod unread;

pub use cli::{Cli, run};
pub use service::{Metered, Operations, Service};
pub use settings::Settings;
pub use start::{migrate, renew_epoch, start};
