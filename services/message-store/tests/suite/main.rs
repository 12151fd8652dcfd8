//! What the message store promises, shown on PostgreSQL and on SQLite alike.
//!
//! Every test has a database of its own and a clock that it moves by hand; a replica is another service on
//! the same database. `madang_test_kit::on_both!` makes two tests of one function.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test, what is not as expected panics")]

mod adding;
mod appends;
mod blocks;
mod blocks_at_once;
mod convergence;
mod deletions;
mod direct_rooms;
mod edits;
mod erased_rooms;
mod erasures;
mod everybody;
mod exports;
mod faults;
mod files;
mod guests;
mod inbox_bounds;
mod inboxes;
mod invitation_links;
mod kills;
mod members;
mod mentions;
mod metadata;
mod model;
mod moderation;
mod names;
mod notifications;
mod opens;
mod people;
mod permissions;
mod pins;
mod process;
mod profiles;
mod reactions;
mod reading;
mod receipts;
mod reports;
mod roles;
mod room_flags;
mod room_lists;
mod rooms;
mod routing;
mod search;
mod search_support;
mod slugs;
mod starting;
mod support;
mod sync;
mod threads;
