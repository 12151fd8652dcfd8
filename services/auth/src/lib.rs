//! The accounts' service of Madang: who somebody is.
//!
//! It keeps accounts, passwords, sessions, signing keys and tickets in PostgreSQL or SQLite, and speaks
//! as [`madang_rpc::auth::Auth`]. The binary `madang-auth` serves that over gRPC; the all-in-one calls
//! the [`Service`] in its own process.
//!
//! | module | holds |
//! | --- | --- |
//! | `service` | the trait: deadlines, metrics, errors |
//! | `accounts`, `site_users`, `sessions`, `tickets`, `api_keys` | the operations |
//! | `key_task` | what an operator does with API keys |
//! | `keys`, `tokens`, `encryption` | signing keys, tokens, and the encryption of private keys |
//! | `passwords`, `hashing`, `attempts` | what a password must be, cost, and may be tried |
//! | `store` | SQL |
//! | `start`, `cli`, `settings` | the frame |

#![expect(clippy::duplicate_mod, reason = "one body of SQL, compiled for each kind of database; see `store`")]

mod accounts;
mod api_keys;
mod attempts;
mod cli;
mod encryption;
mod engine;
mod error;
mod hashing;
mod key_task;
mod keys;
mod names;
mod passwords;
mod service;
mod sessions;
mod settings;
mod site_users;
mod start;
mod store;
mod tickets;
mod tokens;

pub use cli::{Cli, run};
pub use key_task::{KeyTask, keys};
pub use service::{Observed, Operations, Service};
pub use settings::Settings;
pub use start::{migrate, rotate_key, start};
