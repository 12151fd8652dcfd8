//! The columns that statements of several concepts select. Each macro is the text of a list or a join.

/// The role of a row that has one, as [`role_number`](super::values::role_number) has it.
macro_rules! role_of {
    ($row:literal) => {
        concat!(
            "CASE WHEN ",
            $row,
            ".guest AND ",
            $row,
            ".role = 1 THEN CAST(0 AS smallint) ELSE ",
            $row,
            ".role END"
        )
    };
}

/// The column `role` of the number of a role.
macro_rules! role_column {
    ($number:literal) => {
        concat!("CASE WHEN ", $number, " = 0 THEN 1 ELSE ", $number, " END")
    };
}

/// The column `guest` of the number of a role.
macro_rules! guest_column {
    ($number:literal) => {
        concat!("CASE WHEN ", $number, " = 0 THEN true ELSE false END")
    };
}

/// A room's columns, as `RoomRow` reads them, of `rooms r`.
macro_rules! room_columns {
    () => {
        "r.id AS room_id, r.kind AS room_kind, r.name AS room_name, r.slug, r.created_at, r.active_at, \
         r.head, r.messages, r.member_count, r.external_id AS room_external_id, \
         r.archived, r.send_role, r.slow_mode_s, r.history, r.newcomers_after, r.receipts, r.guests_send, \
         r.topic AS room_topic, r.avatar_url AS room_avatar_url, r.unnamed, r.members_add, r.members_pin, r.members_mention_all, r.edit_window_s"
    };
}

/// An event's columns, as `EventRow` reads them, of `events e` with `event_profiles!`.
macro_rules! event_columns {
    () => {
        concat!(event_columns_without_texts!(), ", e.text, e.detail")
    };
}

/// The same without what may be long.
macro_rules! event_columns_without_texts {
    () => {
        "e.topic, e.seq, e.kind, e.at, e.actor, e.key, e.subject, \
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

/// The events of a page: at most `$3` of those of `$tables` for which `$where` holds, and of at most `$4` bytes of texts and
/// details together, but at least one. `$seq` is the column of their places. An event says how many there are of those `$3`.
///
/// The innermost statement finds the places and sizes, the next ones the last place that fits. Only then are events read:
/// SQLite reads a long text page by page, and would copy it through each of these statements.
macro_rules! page {
    (after: $tables:expr, $where:expr, $seq:literal) => {
        page!($tables, $where, $seq, "ASC", "max", "<=")
    };
    (before: $tables:expr, $where:expr, $seq:literal) => {
        page!($tables, $where, $seq, "DESC", "min", ">=")
    };
    ($tables:expr, $where:expr, $seq:literal, $direction:literal, $last:literal, $up_to:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            ", p.found FROM (SELECT ",
            $last,
            "(w.seq) FILTER (WHERE w.bytes_before < $4) AS last, count(*) AS found FROM (\
             SELECT b.seq, sum(b.size) OVER (ORDER BY b.seq ",
            $direction,
            " ROWS UNBOUNDED PRECEDING) - b.size AS bytes_before FROM (SELECT e.seq, ",
            event_size!(),
            " FROM ",
            $tables,
            " WHERE ",
            $where,
            " ORDER BY ",
            $seq,
            " ",
            $direction,
            " LIMIT $3) b) w) p CROSS JOIN ",
            $tables,
            event_profiles!(),
            "WHERE ",
            $where,
            " AND ",
            $seq,
            " ",
            $up_to,
            " p.last ORDER BY ",
            $seq,
            " ",
            $direction
        )
    };
}

/// Where what fits begins of a topic's events after `$beyond` up to `$up_to`, as `first` of `p`: the last ones of at most `$4`
/// bytes together. Nothing where not even the last one fits.
macro_rules! first_that_fits {
    ($topic:literal, $beyond:literal, $up_to:literal) => {
        concat!(
            "(SELECT min(w.seq) FILTER (WHERE w.bytes <= $4) AS first FROM (\
             SELECT b.seq, sum(b.size) OVER (ORDER BY b.seq DESC ROWS UNBOUNDED PRECEDING) AS bytes FROM (SELECT e.seq, ",
            event_size!(),
            " FROM events e WHERE e.topic = ",
            $topic,
            " AND e.seq > ",
            $beyond,
            " AND e.seq <= ",
            $up_to,
            ") b) w) p "
        )
    };
}

/// The bytes of what is said in an event, as `size`. Of a column alone: then SQLite reads the head of the row and no text.
macro_rules! event_size {
    () => {
        "coalesce(octet_length(e.text), 0) + coalesce(octet_length(e.detail), 0) AS size"
    };
}

/// Of the rows of a statement that have a `size` each, in the order of its columns, those of at most so many bytes together,
/// but at least one. A row says how many of the statement's lie behind it. What does not fit never leaves the database.
///
/// `$texts` are the columns that may be long, looked up for the rows that fit alone.
macro_rules! within_bytes {
    ($rows:expr, $order:literal, $bytes:literal, $texts:expr) => {
        concat!(
            "SELECT v.*",
            $texts,
            " FROM (SELECT v.*, sum(v.size) OVER (ORDER BY ",
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
    event_columns, event_columns_without_texts, event_profiles, event_size, events_of_topic, first_that_fits,
    guest_column, newer_profile, page, role_column, role_of, room_columns, within_bytes,
};
