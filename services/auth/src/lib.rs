//! Madang's auth service, which authenticates users.
//!
//! It stores accounts, passwords, sessions, signing keys and tickets in PostgreSQL or SQLite, and implements
//! [`madang_rpc::auth::Auth`]. The binary `madang-auth` serves this trait over gRPC. The all-in-one calls the
//! [`Service`] within its process.
//!
//! | module | holds |
//! | --- | --- |
//! | `service` | the trait: deadlines, metrics, errors |
//! | `accounts`, `site_users`, `sessions`, `tickets`, `api_keys` | the operations |
//! | `key_task` | what an operator does with API keys |
//! | `keys`, `tokens`, `encryption` | signing keys, tokens, and the encryption of private keys |
//! | `passwords`, `hashing`, `turns`, `attempts` | what a password must be, cost, and may be tried |
//! | `audit` | the log of sign-ins and refusals |
//! | `store` | SQL |
//! | `start`, `cli`, `settings`, `doctor` | the frame |

#![expect(clippy::duplicate_mod, reason = "one body of SQL, compiled for each kind of database; see `store`")]

mod accounts;
mod api_keys;
mod attempts;
mod audit;
mod cli;
mod doctor;
mod encryption;
mod engine;
mod erasures;
mod error;
#[doc(hidden)]
pub mod fuzzing;
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
mod turns;

pub use cli::{Cli, run};
pub use doctor::examine;
pub use key_task::{KeyTask, keys};
pub use service::{Observed, Operations, Service};
pub use settings::Settings;
pub use start::{migrate, rotate_key, start};
