//! Gateways in this process, with the services on SQLite and the in-process bus: what needs no cluster is tested here, in
//! milliseconds.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod accounts;
mod adding;
mod attachments;
mod blocking;
mod closing;
mod connections;
mod documents;
mod files;
mod files_hostile;
mod handshakes;
mod hang_up;
mod http;
mod message_changes;
mod metrics;
mod moderation;
mod names;
mod notifications;
mod origins;
mod people;
mod pins;
mod places;
mod problems;
mod process;
mod profiles;
mod rates;
mod raw;
mod reads;
mod receipts;
mod replay;
mod reports;
mod retirement;
mod room_names;
mod rooms;
mod search;
mod subscriptions;
mod support;
mod sync;
mod threads;
mod tls;
mod typing;
mod upgrade;
mod violations;
mod web_client;
