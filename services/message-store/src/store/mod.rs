//! What the service keeps, and the two databases that keep it.
//!
//! SQL stands in this module alone. [`Database`] is what differs between the databases: migrations, and the batched hot
//! paths in `append` and `opens` of each. [`Connection`] is one connection of either, for statements that both
//! understand as they stand. Those stand under `sql/` by concept: the statements, the rows that they give, and the
//! methods. `postgres` and `sqlite` each declare these files as modules of their own and give them their `Db`, their
//! `Connector` and their way to lock a room, so each file is compiled twice. Generic code over `sqlx::Database` would
//! need a page of bounds on every function to say the same.
//!
//! The files beside this one have the records of each concept and the trait of its statements.

mod batches;
mod columns;
mod database;
mod detail;
mod events;
mod inboxes;
mod invitations;
mod members;
mod moving;
mod postgres;
mod purge;
mod rooms;
mod slugs;
mod sqlite;
mod values;

pub(crate) use batches::{AppendOutcome, AppendRow, RoomState};
pub(crate) use database::{Connection, Database};
pub(crate) use detail::message_detail;
pub(crate) use events::{NewEvent, Range, Slice};
pub(crate) use inboxes::InboxState;
pub(crate) use invitations::Invitation;
pub(crate) use members::ByRank;
pub(crate) use moving::{Moving, Pass};
pub(crate) use postgres::Postgres;
pub(crate) use rooms::{ByActivity, ByAge, MemberPlace, Origin, RoomRecord, View};
pub(crate) use slugs::RestingSlug;
pub(crate) use sqlite::Sqlite;
pub(crate) use values::{role_from_number, role_number};
