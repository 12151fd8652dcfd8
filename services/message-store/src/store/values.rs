//! Numbers of columns and what they mean.

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{AddedBy, NotificationLevel, Receipts, Restriction, Role, RoomHistory, Seq};
use madang_rpc::store::RoomKind;

/// A role as statements take and answer it. A guest is 0 there alone: in the columns it is a member, 1, with a mark beside it,
/// which a version that knows no guests passes over. See `role_of!`, `role_column!` and `guest_column!`.
pub(crate) const fn role_number(role: Role) -> i16 {
    match role {
        Role::Guest => 0,
        Role::Member => 1,
        Role::Moderator => 2,
        Role::Owner => 3,
    }
}

/// Reads what [`role_number`] wrote.
pub(crate) fn role_from_number(number: i16) -> DatabaseResult<Role> {
    match number {
        0 => Ok(Role::Guest),
        1 => Ok(Role::Member),
        2 => Ok(Role::Moderator),
        3 => Ok(Role::Owner),
        other => Err(DatabaseError::corrupt("role", format!("{other} is none"))),
    }
}

/// A role as lists of members are ordered by it: guests stand among the members.
pub(crate) fn rank_number(role: Role) -> i16 {
    role_number(role.max(Role::Member))
}

/// Who may add a user, as the column has it.
pub(super) const fn added_by_number(added_by: AddedBy) -> i16 {
    match added_by {
        AddedBy::Anyone => 1,
        AddedBy::Shared => 2,
        AddedBy::Nobody => 3,
    }
}

pub(super) fn added_by_from_number(number: i16) -> DatabaseResult<AddedBy> {
    match number {
        1 => Ok(AddedBy::Anyone),
        2 => Ok(AddedBy::Shared),
        3 => Ok(AddedBy::Nobody),
        other => Err(DatabaseError::corrupt("who may add a user", format!("{other} is none"))),
    }
}

/// A room's kind as the column has it.
pub(super) const fn room_kind_number(kind: RoomKind) -> i16 {
    match kind {
        RoomKind::Public => 1,
        RoomKind::Private => 2,
        RoomKind::Direct => 3,
    }
}

pub(super) fn room_kind_from_number(number: i16) -> DatabaseResult<RoomKind> {
    match number {
        1 => Ok(RoomKind::Public),
        2 => Ok(RoomKind::Private),
        3 => Ok(RoomKind::Direct),
        other => Err(DatabaseError::corrupt("room kind", format!("{other} is none"))),
    }
}

/// What newcomers see, as the column has it.
pub(super) const fn history_number(history: RoomHistory) -> i16 {
    match history {
        RoomHistory::All => 1,
        RoomHistory::Joined => 2,
    }
}

pub(super) fn history_from_number(number: i16) -> DatabaseResult<RoomHistory> {
    match number {
        1 => Ok(RoomHistory::All),
        2 => Ok(RoomHistory::Joined),
        other => Err(DatabaseError::corrupt("what newcomers see", format!("{other} is none"))),
    }
}

/// Of what a member wants to be notified, as the column has it.
pub(super) const fn level_number(level: NotificationLevel) -> i16 {
    match level {
        NotificationLevel::All => 1,
        NotificationLevel::Mentions => 2,
        NotificationLevel::None => 3,
    }
}

pub(super) fn level_from_number(number: i16) -> DatabaseResult<NotificationLevel> {
    match number {
        1 => Ok(NotificationLevel::All),
        2 => Ok(NotificationLevel::Mentions),
        3 => Ok(NotificationLevel::None),
        other => Err(DatabaseError::corrupt("notification level", format!("{other} is none"))),
    }
}

/// What members are shown of read marks, as the column has it.
pub(super) const fn receipts_number(receipts: Receipts) -> i16 {
    match receipts {
        Receipts::None => 1,
        Receipts::Count => 2,
        Receipts::Names => 3,
    }
}

pub(super) fn receipts_from_number(number: i16) -> DatabaseResult<Receipts> {
    match number {
        1 => Ok(Receipts::None),
        2 => Ok(Receipts::Count),
        3 => Ok(Receipts::Names),
        other => Err(DatabaseError::corrupt("receipts", format!("{other} is none"))),
    }
}

/// What is imposed on a user, as the column has it.
pub(super) const fn restriction_number(kind: Restriction) -> i16 {
    match kind {
        Restriction::Ban => 1,
        Restriction::Mute => 2,
    }
}

/// A column of a place in a log.
pub(super) fn seq(number: i64) -> DatabaseResult<Seq> {
    unsigned(number).map(Seq::new)
}

/// A column that counts.
pub(super) fn unsigned(number: i64) -> DatabaseResult<u64> {
    u64::try_from(number).map_err(|error| DatabaseError::corrupt("count", error))
}

/// A count for a column. What callers name beyond it is beyond every log, too.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The error of a column that must not be null.
pub(super) fn missing(what: &'static str) -> DatabaseError {
    DatabaseError::corrupt(what, "it is absent")
}
