//! The message store: rooms, members, and the ordered log of each topic. It decides who may do what.
//!
//! [`start`] gives a [`Service`], which is a [`madang_rpc::MessageStore`]: the all-in-one calls it directly, the
//! binary serves it by gRPC ([`run`]). The data is in PostgreSQL, or in SQLite for one process.
//!
//! # Where what is
//!
//! | module | idea |
//! | --- | --- |
//! | `service` | every call: its deadline, its metrics |
//! | `batch` | group commit: callers wait in a bounded queue, workers take what has queued |
//! | `operations` | what the calls do, by concept: `append` and `open` are the hot paths, in batches |
//! | `operations/room_change` | a change under a room's lock, with its events, in one transaction |
//! | `analysis` | what a text is to search: its tokens, and what a user asks for |
//! | `indexing` | the task that fills the index of search behind the commits |
//! | `transaction` | a transaction of a name around the work of an operation |
//! | `unread` | the arithmetic of unread |
//! | `words` | the words that are not accepted, however they are written |
//! | `store` | the databases: the only place with SQL |
//! | `start`, `settings`, `cli`, `doctor` | starting, what can be set, and what is wrong with it |

#![expect(clippy::duplicate_mod, reason = "one body of SQL, compiled for each database; see `store`")]

mod analysis;
mod batch;
mod cli;
mod doctor;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod indexing;
mod metrics;
mod operations;
mod service;
mod settings;
mod start;
mod store;
mod transaction;
mod turns;
mod unread;
mod words;

pub use cli::{Cli, run};
pub use doctor::examine;
pub use service::{Metered, Operations, Service};
pub use settings::Settings;
pub use start::{migrate, renew_epoch, start};
