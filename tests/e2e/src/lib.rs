//! What the end-to-end stories share. Each file of `tests/` is a story: real processes, real PostgreSQL, Redis
//! and nginx, and clients as anybody's would be.
//!
//! Every wait has a deadline and a name, so that a story that stops says what it was waiting for.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on ends with a message")]

mod bounds;
mod collector;
mod front_end;
mod listener;
mod log_table;
mod person;
mod raw_socket;
mod site_backend;
mod stage;
mod standalone;
mod talk;
mod tokens;

pub use bounds::{COMPLETE_AGAIN, CUT_OFF, LEASE, LIVE, PRESENCE_PULSE};
pub use collector::{Collector, Span, table as span_table};
pub use front_end::{FrontEnd, Refusal};
pub use listener::{Heard, Listener};
pub use log_table::{LogRow, assert_in_log_once, log_of};
pub use madang_test_kit::{PATIENCE, eventually, within};
pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
pub use person::{Person, ack, error_frame, public_room, send_frame};
pub use raw_socket::{RawSocket, Received};
pub use site_backend::{Backend, SITE_SECRET, keys, site_settings, site_token, undated_site_token};
pub use stage::{Registrations, Stage, fast_sends, logs_contain, still_running};
pub use standalone::Standalone;
pub use talk::Talk;
pub use tokens::{foreign_token, unsigned_token};
