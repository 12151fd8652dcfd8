//! Gateways in this process, with the services on SQLite and the in-process bus: what needs no cluster is tested here, in
//! milliseconds.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod attachments;
mod closing;
mod documents;
mod handshake;
mod handshakes;
mod hang_up;
mod http;
mod origins;
mod pins;
mod places;
mod problems;
mod process;
mod rates;
mod raw;
mod replay;
mod subscriptions;
mod support;
mod typing;
mod violations;
