//! What the batched hot paths ask of the store, and what it answers.

use madang_domain::{Role, RoomId, Seq, Timestamp, UserId};
use madang_rpc::store::Appended;
use uuid::Uuid;

/// A message to append.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppendRow<'a> {
    pub(crate) room: RoomId,
    pub(crate) actor: UserId,
    pub(crate) key: &'a str,
    pub(crate) text: &'a str,
    pub(crate) detail: Option<&'a str>,
    /// Whom it is to mention, each once: who is a member when it is appended.
    pub(crate) mentions: &'a [UserId],
    /// Whether the embedding site sends it, for which no block counts.
    pub(crate) by_site: bool,
    /// It has a word that is not accepted, and is reported under this id in the transaction that appends it: a repeat of
    /// what was said finds it there and says nothing, so nobody would report it later.
    pub(crate) report: Option<Uuid>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AppendOutcome {
    /// It is committed, now or before.
    Appended(Appended),
    /// There is no such room.
    NoRoom,
    /// The sender is not a member.
    NotMember,
    /// The other user of the direct room has blocked the sender.
    Refused,
    /// The sender has blocked the other user of the direct room.
    OtherBlocked,
    /// Nobody sends there.
    Archived,
    /// The sender's role does not suffice in an announcement room.
    OnlyModerators,
    /// The sender is muted, until then.
    Muted(Timestamp),
    /// The room has slow mode, and the sender may again at that time.
    TooSoon(Timestamp),
}

/// A room and a user's standing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomState {
    /// There is no such room.
    NoRoom,
    /// The user is not a member.
    NotMember,
    /// The user is a member.
    Member {
        /// The last place of the log.
        head: Seq,
        /// How many members there are.
        member_count: u64,
        /// What the user may do.
        role: Role,
        /// The read mark.
        read: Seq,
        /// The place up to which the member sees nothing.
        visible_after: Seq,
    },
}
