//! What the accounts' service promises, shown on PostgreSQL and on SQLite alike.
//!
//! Every test has a database of its own and a clock that it moves by hand; a replica is another service
//! on the same database. `madang_test_kit::on_both!` makes two tests of one function.

#![expect(clippy::unwrap_used, reason = "in a test, what is not as expected panics")]

mod accounts;
mod api_keys;
mod attempts;
mod audit;
mod ends;
mod faults;
mod keys;
mod names;
mod process;
mod refreshes;
mod revocations;
mod roles;
mod sessions;
mod site_users;
mod support;
mod tickets;
