//! Gateways in this process, with the services on SQLite and the in-process bus: what needs no cluster is tested here, in
//! milliseconds.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod attachments;
mod documents;
mod hang_up;
mod http;
mod names;
mod support;
