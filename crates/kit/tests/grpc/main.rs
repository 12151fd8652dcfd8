//! Servers and balanced channels, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod balance;
mod connections;
mod replica;
mod server;
mod tls;
