//! The settings, and the bounds that are constants.

use std::time::Duration;

use clap::{Args, builder::TypedValueParser as _};
use madang_domain::{AddedBy, limits};

use crate::batch::Bounds;

/// The deadline of every call. Callers have their own deadlines; this one bounds their cost here.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// How many bytes wait in the append queue: 4,000 of the longest messages, or 100,000 usual ones.
const APPEND_QUEUE_BYTES: usize = 64 << 20;

/// The bytes after which a batch of appends is full. So a batch of the longest messages does not hold the
/// locks of its rooms much longer than a usual one.
const APPEND_BATCH_BYTES: usize = 1 << 20;

/// How many subscriptions one query opens.
const OPEN_BATCH_REQUESTS: usize = 256;

/// How many subscriptions wait: two seconds of a storm of 3,000 connections a second.
const OPEN_QUEUE_REQUESTS: usize = 6_000;

/// How many batches of subscriptions are opened at once.
const OPEN_WORKERS: usize = 4;

/// The most items in one call: rooms to resolve, topics whose heads are requested. Further ones are dropped.
pub(crate) const NAMES_PER_CALL: usize = 1_000;

/// The most rooms of a user in one answer to a gateway.
pub(crate) const MEMBERSHIPS_MAX: u32 = 10_000;

/// The most events of one read, whatever the caller asks for.
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

/// How long a slug that was given up rests before another owner may take it. Members who send to the slug, and
/// users of links to it, find no room meanwhile, and not another one. A month, since some return from holidays.
pub(crate) const SLUG_REST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The most slugs whose rest is over that one statement deletes.
pub(crate) const FORGET_CHUNK_SLUGS: u32 = 1_000;

/// The most invitations by one user that may wait for an answer: twice the members with whom a room is created.
pub(crate) const INVITATIONS_OPEN_MAX: u32 = 200;

/// The most invitations of one user that may wait for the user's answer, whoever invited: as many as one inviter may have
/// open. One more takes the place of the oldest, so that whoever fills the list keeps nobody else from inviting.
pub(crate) const INVITATIONS_WAITING_MAX: u32 = INVITATIONS_OPEN_MAX;

/// How many followers of a thread one transaction tells of a message: it holds the locks of their inboxes.
pub(crate) const TELL_CHUNK_FOLLOWERS: u32 = 100;

/// How many members one transaction tells of a message that mentions everybody: as many, for the same reason.
pub(crate) const TELL_CHUNK_MEMBERS: u32 = TELL_CHUNK_FOLLOWERS;

/// The most messages of one room of which members are still to be told. One more mentions nobody: each is worth as many
/// notices as the room has members, and nobody reads ten at once.
pub(crate) const ROOM_MEMBER_TELLS_MAX: u32 = 10;

/// The interval between searches for messages of which followers were not told.
pub(crate) const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// After what time a message's followers should have been told by the gateway that sent it: its calls, one for each
/// hundred of a thousand followers, have deadlines and end before that, or it is gone.
pub(crate) const TELL_OVERDUE: Duration = Duration::from_secs(60);

/// The most messages whose followers are told in one round.
pub(crate) const TELLS_PER_ROUND: u32 = 100;

/// The latest notices of an inbox, among which those of a kind by one user are bounded: what the first page shows.
pub(crate) const INBOX_LATEST: u32 = limits::PAGE_DEFAULT_ITEMS;

/// The most of these that are invitations by one user, or bans, or mutes: nobody alone fills the first page of an inbox.
pub(crate) const NOTICES_ALIKE_MAX: u32 = 10;

/// The interval between two looks through all inboxes for notices that are not kept. Each process begins with one.
pub(crate) const INBOX_SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How many inboxes one statement looks at.
pub(crate) const INBOX_SWEEP_USERS: u32 = 1_000;

/// The pause between two such statements: a million inboxes take less than a minute.
pub(crate) const INBOX_SWEEP_PACE: Duration = Duration::from_millis(50);

/// How many notices one transaction removes: it holds the inbox's lock.
pub(crate) const INBOX_TRIM_CHUNK_NOTICES: u32 = 1_000;

/// The interval between searches for rooms whose tombstone has expired.
pub(crate) const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// How long the indexer of search gathers what is new before it begins. People do not see it, and an append does not pay
/// for a transaction of its own.
pub(crate) const INDEX_PACE: Duration = Duration::from_millis(100);
/// How many times as long as it worked the index rests, so that appends keep most of a busy machine: on one it works longer
/// at the same, and so rests longer.
pub(crate) const INDEX_REST_FACTOR: u32 = 3;
/// It rests no longer than this at a time.
pub(crate) const INDEX_REST_MAX: Duration = Duration::from_secs(1);

/// How many events of rooms' logs one transaction of the indexer takes: on PostgreSQL, where more gain little.
pub(crate) const INDEX_CHUNK_EVENTS: u32 = 256;

/// The same on SQLite, where appends wait for it: they share the one writer.
pub(crate) const INDEX_CHUNK_EVENTS_SQLITE: u32 = 64;

/// How many rooms one transaction of the indexer takes.
pub(crate) const INDEX_CHUNK_ROOMS: usize = 256;

/// After so many bytes of texts the indexer lets other tasks run: some milliseconds of work.
pub(crate) const INDEX_YIELD_BYTES: usize = 32 << 10;

/// The time between two comparisons of all rooms' heads with their positions, which find what a replica that died has
/// left undone. Each process begins with one, so that a restart waits for none.
pub(crate) const INDEX_SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How many rooms one statement of that comparison reads.
pub(crate) const INDEX_SWEEP_ROOMS: u32 = 2_000;

/// The pause between two such statements: a million rooms take half a minute.
pub(crate) const INDEX_SWEEP_PACE: Duration = Duration::from_millis(50);

/// The first and the longest wait of the indexer after a failure.
pub(crate) const INDEX_RETRY: Duration = Duration::from_millis(200);
pub(crate) const INDEX_RETRY_MAX: Duration = Duration::from_secs(10);

/// How many searches run at once in one replica: a third of the connections by default. Further ones wait.
pub(crate) const SEARCHES_MAX: usize = 4;

/// How many messages of those that the index names a search reads at once. Each has a text of at most 16 KB.
pub(crate) const SEARCH_READ_MESSAGES: usize = 25;

/// How often a search asks the index for one page. Nearly all that the index names is found in the texts, too.
pub(crate) const SEARCH_ROUNDS: usize = 4;

/// The time between two questions which word lists have changed. A list that is set holds at other replicas this much later.
pub(crate) const WORD_LISTS_REFRESH: Duration = Duration::from_secs(2);

/// The word lists that one statement reads.
pub(crate) const WORD_LISTS_CHUNK: u32 = 1_000;

/// The rooms whose word lists are heeded. Of each its id and a time are in memory.
pub(crate) const WORD_LISTS_MAX: usize = 200_000;

/// The rooms whose words are in memory. A list takes up to 100 kB, usually a few; the words of another room are read when a
/// message asks for them.
pub(crate) const WORD_LISTS_KEPT: usize = 1_000;

/// How long a file may be on its way, after which nobody brings it any more: gateways give an upload up long before.
pub(crate) const UPLOAD_EXPIRY: Duration = Duration::from_secs(60 * 60);

/// How long a file is kept that no message has: a draft may lie over night.
pub(crate) const UNUSED_FILE_EXPIRY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many files of each reason one transaction has removed.
pub(crate) const EXPIRE_CHUNK_FILES: u32 = 500;

/// What a file takes of its user's share at least: about what its rows and its entry in a directory take.
pub(crate) const FILE_MIN_SHARE_BYTES: u64 = 4_096;

/// How many messages with uploaded files are appended at once in one replica. Each takes a connection that reads use, too.
/// Further ones wait.
pub(crate) const FILE_APPENDS_MAX: usize = 4;

/// How many messages in threads are appended at once in one replica: a room's lock may hold each of them up, and so they
/// take a third of the connections at most. Further ones wait.
pub(crate) const THREAD_APPENDS_MAX: usize = 4;

/// How many messages of each of these kinds wait. Each takes a few milliseconds, so that
/// all are done within the deadline.
/// Further ones are refused.
pub(crate) const APART_APPENDS_WAITING: usize = 128;

/// The interval of the database check, whose result is logged.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(1);

/// The deadline of the database check.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The settings besides the database. Each flag is also a variable. All begin with `store`, so that the
/// all-in-one can have them beside those of the other services.
#[derive(Debug, Clone, Copy, Args)]
#[group(id = "message_store")]
pub struct Settings {
    /// The database connections for reads and changes, in each replica
    #[arg(
        long = "store-connections",
        id = "store_connections",
        default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(2..=1_000),
        value_name = "COUNT"
    )]
    pub connections: u32,

    /// The number of batches of messages that are written concurrently, each on its own further connection
    #[arg(
        long = "store-append-workers",
        id = "store_append_workers",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=64),
        value_name = "COUNT"
    )]
    pub append_workers: u32,

    /// The most messages of one batch
    #[arg(
        long = "store-append-batch",
        id = "store_append_batch",
        default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..=1_000),
        value_name = "MESSAGES"
    )]
    pub append_batch: u32,

    /// The most messages that may wait to be written. Further ones are refused with `unavailable`
    #[arg(
        long = "store-append-queue",
        id = "store_append_queue",
        default_value_t = 8_192,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        value_name = "MESSAGES"
    )]
    pub append_queue: u32,

    /// The default of the users' setting `added_by`, which says who may add a user to rooms: anyone, users who share a
    /// room with the user, or nobody. All others can only invite the user; the site's backend may always add users
    #[arg(long = "store-added-by", id = "store_added_by", default_value = "shared", value_name = "WHO",
        value_parser = clap::builder::PossibleValuesParser::new(ADDED_BY).map(|value| added_by(&value)))]
    pub added_by: AddedBy,

    /// How many seconds after it was sent a message can be edited by its sender; 0: without an end. Deletions have no end
    #[arg(
        long = "store-edit-window-seconds",
        id = "store_edit_window_seconds",
        default_value_t = 0,
        value_name = "SECONDS"
    )]
    pub edit_window_seconds: u32,

    /// The bytes that the files of one user may take in all. The files of deleted messages do not count
    #[arg(
        long = "store-user-file-bytes",
        id = "store_user_file_bytes",
        default_value_t = USER_FILE_BYTES,
        value_name = "BYTES"
    )]
    pub user_file_bytes: u64,

    /// The days for which notices are kept in inboxes
    #[arg(
        long = "store-inbox-days",
        id = "store_inbox_days",
        default_value_t = 90,
        value_parser = clap::value_parser!(u32).range(1..=36_500),
        value_name = "DAYS"
    )]
    pub inbox_days: u32,

    /// The most notices that are kept in one inbox; the oldest ones go first
    #[arg(
        long = "store-inbox-notices",
        id = "store_inbox_notices",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1_000..=10_000_000),
        value_name = "NOTICES"
    )]
    pub inbox_notices: u32,

    /// Whether the start applies the migrations. This field has no flag. The process sets it from `MADANG_MIGRATE`.
    #[arg(skip = true)]
    pub migrate: bool,
}

/// A gibibyte: forty files of the largest size.
const USER_FILE_BYTES: u64 = 1 << 30;

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
            edit_window_seconds: 0,
            user_file_bytes: USER_FILE_BYTES,
            inbox_days: 90,
            inbox_notices: 10_000,
            migrate: true,
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
            // Requests to open are small and of one size. So their number also bounds their bytes.
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
