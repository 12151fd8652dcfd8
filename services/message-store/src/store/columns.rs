//! The columns that statements of several concepts select. Each macro is the text of a list or a join.

/// A room's columns, as `RoomRow` reads them, of `rooms r`.
macro_rules! room_columns {
    () => {
        "r.id AS room_id, r.kind AS room_kind, r.name AS room_name, r.slug, r.created_at, r.active_at, \
         r.head, r.messages, r.member_count, r.external_id AS room_external_id, \
         r.archived, r.send_role, r.slow_mode_s, r.history, r.newcomers_after, r.receipts"
    };
}

/// An event's columns, as `EventRow` reads them, of `events e` with `event_profiles!`.
macro_rules! event_columns {
    () => {
        "e.topic, e.seq, e.kind, e.at, e.actor, e.key, e.text, e.detail, e.subject, \
         a.username, a.name, a.avatar_url, a.external_id, a.version, \
         s.username AS subject_username, s.name AS subject_name, s.avatar_url AS subject_avatar_url, \
         s.external_id AS subject_external_id, s.version AS subject_version"
    };
}

/// The present profiles of an event's actor and subject. Outer joins: an event without its profile is still
/// an event, and a log without gaps needs it.
macro_rules! event_profiles {
    () => {
        " LEFT JOIN profiles a ON a.user_id = e.actor LEFT JOIN profiles s ON s.user_id = e.subject "
    };
}

/// Of an inbox that is all: every user has one, so there is nothing to join.
macro_rules! events_of_topic {
    () => {
        concat!("SELECT ", event_columns!(), " FROM events e", event_profiles!(), "WHERE e.topic = $1 ")
    };
}

/// The events of a page: at most `$3` of those that `$from` names, and of at most `$4` bytes of texts and details together,
/// but at least one. An event says how many of those `$3` lie behind it.
///
/// The innermost statement finds the events, the next one adds their sizes up, the outermost one leaves out what does not
/// fit, so that it never leaves the database.
macro_rules! page {
    ($from:expr, $direction:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            ", e.behind FROM (SELECT b.*, sum(b.size) OVER (ORDER BY b.seq ",
            $direction,
            ") - b.size AS bytes_before, count(*) OVER () - row_number() OVER (ORDER BY b.seq ",
            $direction,
            ") AS behind FROM (SELECT e.*, \
             octet_length(coalesce(e.text, '')) + octet_length(coalesce(e.detail, '')) AS size ",
            $from,
            "ORDER BY e.seq ",
            $direction,
            " LIMIT $3) b) e",
            event_profiles!(),
            "WHERE e.bytes_before < $4 ORDER BY e.seq ",
            $direction
        )
    };
}

/// The bytes of what is said in an event, as `size`.
macro_rules! event_size {
    () => {
        "octet_length(coalesce(e.text, '')) + octet_length(coalesce(e.detail, '')) AS size"
    };
}

/// Of the rows of a statement that have a `size` each, in the order of its columns, those of at most so many bytes together,
/// but at least one. A row says how many of the statement's lie behind it. What does not fit never leaves the database.
macro_rules! within_bytes {
    ($rows:expr, $order:literal, $bytes:literal) => {
        concat!(
            "SELECT v.* FROM (SELECT v.*, sum(v.size) OVER (ORDER BY ",
            $order,
            ") - v.size AS bytes_before, count(*) OVER () - row_number() OVER (ORDER BY ",
            $order,
            ") AS behind FROM (",
            $rows,
            ") v) v WHERE v.bytes_before < ",
            $bytes,
            " ORDER BY ",
            $order
        )
    };
}

/// A profile replaces one of a lower version only: tokens of different ages arrive in any order. What the
/// embedding site calls a user stays, once it is known: not every token says it.
macro_rules! newer_profile {
    () => {
        "ON CONFLICT (user_id) DO UPDATE SET username = excluded.username, name = excluded.name, \
         avatar_url = excluded.avatar_url, \
         external_id = coalesce(excluded.external_id, profiles.external_id), version = excluded.version WHERE excluded.version > profiles.version"
    };
}

pub(super) use {
    event_columns, event_profiles, event_size, events_of_topic, newer_profile, page, room_columns,
    within_bytes,
};
