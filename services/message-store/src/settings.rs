//! What can be set, and the bounds that cannot.

use std::time::Duration;

use clap::{Args, builder::TypedValueParser as _};
use madang_domain::AddedBy;

use crate::batch::Bounds;

/// How long any call may take. Callers have deadlines of their own; this one bounds what they cost here.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// How many bytes wait in the append queue: 4,000 of the longest messages, or 100,000 usual ones.
const APPEND_QUEUE_BYTES: usize = 64 << 20;

/// After how many bytes a batch of appends takes no more, so that a batch of the longest messages does not
/// hold its rooms much longer than one of usual ones.
const APPEND_BATCH_BYTES: usize = 1 << 20;

/// How many subscriptions one query opens.
const OPEN_BATCH_REQUESTS: usize = 256;

/// How many subscriptions wait: two seconds of a storm of 3,000 connections a second.
const OPEN_QUEUE_REQUESTS: usize = 6_000;

/// How many batches of subscriptions are opened at once.
const OPEN_WORKERS: usize = 4;

/// How much is kept of what a caller may name in one call: rooms to resolve, topics whose heads are asked.
pub(crate) const NAMES_PER_CALL: usize = 1_000;

/// How many of a user's rooms are named to a gateway.
pub(crate) const MEMBERSHIPS_MAX: u32 = 10_000;

/// How many events one read gives at most, whatever is asked.
pub(crate) const READ_MAX_EVENTS: u32 = 1_000;

/// How many events of a deleted room one statement removes.
pub(crate) const PURGE_CHUNK_EVENTS: u32 = 2_000;

/// By how much the time of what a transaction writes may lie before its commit, whichever replica writes: a call and its
/// statement end within 6 s, and the replicas' clocks differ by less than the rest.
pub(crate) const COMMIT_DELAY: Duration = Duration::from_secs(10);

/// How long a deleted room's log is kept, with the event that says so as its last: the room's tombstone. A gateway to
/// which that event was not published compares heads every few seconds and finds it. A gateway misses it for longer
/// only while it cannot reach the store. Its clients' requests then all fail, and an operator mends that within the
/// hour; after the hour the hub finds no log and lets its subscribers go without the event.
pub(crate) const TOMBSTONE_KEPT: Duration = Duration::from_secs(60 * 60);

/// How long a slug that was given up rests before another owner may take it. Members who send to the slug, and links that
/// were shared, find no room meanwhile, and not another one. A month, since some come back from holidays.
pub(crate) const SLUG_REST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many slugs that have rested one statement forgets.
pub(crate) const FORGET_CHUNK_SLUGS: u32 = 1_000;

/// How many invitations of one user may wait for an answer: twice the members with whom a room is made.
pub(crate) const INVITATIONS_OPEN_MAX: u32 = 200;

/// How often rooms whose tombstone has served its time are looked for.
pub(crate) const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// How often the database is asked whether it answers, for the log.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(1);

/// After how long that question counts as not answered.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// What can be set besides the database. Each flag is also a variable; all begin with `store`, so that the
/// all-in-one can have them beside the other services'.
#[derive(Debug, Clone, Copy, Args)]
#[group(id = "message_store")]
pub struct Settings {
    /// How many database connections serve reads and changes, in each replica
    #[arg(
        long = "store-connections",
        id = "store_connections",
        default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(2..=1_000),
        value_name = "COUNT"
    )]
    pub connections: u32,

    /// How many batches of messages are written at once, each on a connection of its own
    #[arg(
        long = "store-append-workers",
        id = "store_append_workers",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=64),
        value_name = "COUNT"
    )]
    pub append_workers: u32,

    /// How many messages one batch writes at most
    #[arg(
        long = "store-append-batch",
        id = "store_append_batch",
        default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..=1_000),
        value_name = "MESSAGES"
    )]
    pub append_batch: u32,

    /// How many messages wait to be written; one more is refused with `unavailable`
    #[arg(
        long = "store-append-queue",
        id = "store_append_queue",
        default_value_t = 8_192,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        value_name = "MESSAGES"
    )]
    pub append_queue: u32,

    /// Who may make a user a member of a room, where the user has set nothing: anyone, a user who is in a room with that
    /// user, or nobody. Others send an invitation; the site's backend always may
    #[arg(long = "store-added-by", id = "store_added_by", default_value = "shared", value_name = "WHO",
        value_parser = clap::builder::PossibleValuesParser::new(ADDED_BY).map(|value| added_by(&value)))]
    pub added_by: AddedBy,
}

/// The values of `added_by`.
const ADDED_BY: [&str; 3] = ["anyone", "shared", "nobody"];

/// One of [`ADDED_BY`], to which the parser has narrowed the text.
fn added_by(text: &str) -> AddedBy {
    match text {
        "anyone" => AddedBy::Anyone,
        "nobody" => AddedBy::Nobody,
        _ => AddedBy::Shared,
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 12,
            append_workers: 2,
            append_batch: 256,
            append_queue: 8_192,
            added_by: AddedBy::Shared,
        }
    }
}

impl Settings {
    pub(crate) fn append_bounds(&self) -> Bounds {
        Bounds {
            workers: size(self.append_workers),
            batch_requests: size(self.append_batch),
            batch_bytes: APPEND_BATCH_BYTES,
            queue_requests: size(self.append_queue),
            queue_bytes: APPEND_QUEUE_BYTES,
            deadline: CALL_DEADLINE,
        }
    }

    pub(crate) fn open_bounds() -> Bounds {
        Bounds {
            workers: OPEN_WORKERS,
            batch_requests: OPEN_BATCH_REQUESTS,
            batch_bytes: usize::MAX,
            queue_requests: OPEN_QUEUE_REQUESTS,
            // Requests to open are of one small size: their number bounds their bytes.
            queue_bytes: usize::MAX,
            deadline: CALL_DEADLINE,
        }
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn the_defaults_of_flags_and_of_code_are_the_same() {
        let parsed = Command::parse_from(["message-store"]).settings;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Settings::default()));
    }
}
