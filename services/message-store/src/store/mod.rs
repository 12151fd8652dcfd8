//! What the service keeps, and the two databases that keep it.
//!
//! SQL stands in this module alone. [`Database`] is what differs between the databases: migrations, and the batched hot
//! paths in `append` and `opens` of each. [`Connection`] is one connection of either, for statements that both
//! understand as they stand. Those stand under `sql/` by concept: the statements, the rows that they give, and the
//! methods. `postgres` and `sqlite` each declare these files as their own modules, so that each file is
//! compiled twice. Each provides its `Db`, its `Connector` and its way to lock a room. Generic code over
//! `sqlx::Database` would need a page of bounds on every function to say the same.
//!
//! The files beside this one have the records of each concept and the trait of its statements.

mod batches;
mod blocks;
mod columns;
mod database;
mod detail;
mod erasures;
mod events;
mod exports;
mod files;
mod inboxes;
mod invitation_links;
mod invitations;
mod member_tells;
mod members;
mod messages;
mod moving;
mod people;
mod postgres;
mod profiles;
mod purge;
mod reads;
mod reports;
mod restrictions;
mod rooms;
mod search;
mod slugs;
mod sqlite;
mod threads;
mod values;

pub(crate) use batches::{AppendOutcome, AppendRow, RoomState};
pub(crate) use blocks::ByBlock;
pub(crate) use database::{Connection, Database};
pub(crate) use detail::{LastEdit, MessageDetail, message_detail};
pub(crate) use erasures::{ErasureRecord, NamedIn, Stage, SuspectMessage};
pub(crate) use events::{EventPage, NewEvent, PinPage, Range, Slice};
pub(crate) use exports::ExportRecord;
pub(crate) use files::{Expiry, FileContent, FileRecord, NewFile};
pub(crate) use inboxes::{InboxOpening, InboxState, NoticeBounds};
pub(crate) use invitation_links::{CodeDigest, InvitationLink};
pub(crate) use invitations::Invitation;
pub(crate) use member_tells::MemberTell;
pub(crate) use members::ByRank;
pub(crate) use messages::{MessageRecord, RevisionPage};
pub(crate) use moving::{Moving, Pass};
pub(crate) use people::{BlockedMost, HidesChange};
pub(crate) use postgres::{Postgres, migrations as postgres_migrations};
pub(crate) use reads::{MarkCounts, MemberMarks};
pub(crate) use reports::{AuditRecord, ChangedWordList, NewReport, ReportsOf};
pub(crate) use restrictions::{ByBan, RestrictionRecord};
pub(crate) use rooms::{ByActivity, ByAge, MemberPlace, Origin, RoomPage, RoomRecord, View};
pub(crate) use search::{ByTime, IndexedMessage, IndexedPiece, LogPiece, SearchedRooms, Wanted};
pub(crate) use slugs::RestingSlug;
pub(crate) use sqlite::{Sqlite, migrations as sqlite_migrations};
pub(crate) use threads::{ByReply, FollowedPage, Tell, ThreadId, ThreadMessage, ThreadRecord};
pub(crate) use values::{rank_number, role_from_number};
