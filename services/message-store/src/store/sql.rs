//! The statements that both databases understand as they stand.
//!
//! Parameters are `$1`, `$2`, …, which SQLite takes as well.

/// A room's columns, as `RoomRow` reads them, of `rooms r`.
macro_rules! room_columns {
    () => {
        "r.id AS room_id, r.kind AS room_kind, r.name AS room_name, r.slug, r.created_at, r.active_at, \
         r.head, r.messages, r.member_count, r.external_id AS room_external_id"
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

/// A room as the user `$1` sees it: with the place in it, and for a member the last message.
macro_rules! view_columns {
    () => {
        concat!(
            room_columns!(),
            ", m.role, m.read_seq, m.read_ordinal, m.sent, m.read_sent, ",
            event_columns!()
        )
    };
}

macro_rules! view_of_rooms {
    () => {
        concat!(
            "SELECT ",
            view_columns!(),
            " FROM rooms r LEFT JOIN members m ON m.room = r.id AND m.user_id = $1",
            " LEFT JOIN events e ON e.topic = r.id AND e.seq = r.last_message_seq AND m.user_id IS NOT NULL",
            event_profiles!()
        )
    };
}

macro_rules! view_of_memberships {
    () => {
        concat!(
            "SELECT ",
            view_columns!(),
            " FROM members m JOIN rooms r ON r.id = m.room",
            " LEFT JOIN events e ON e.topic = r.id AND e.seq = r.last_message_seq",
            event_profiles!(),
            "WHERE m.user_id = $1 "
        )
    };
}

macro_rules! member_of {
    () => {
        "SELECT m.user_id AS actor, p.username, p.name, p.avatar_url, p.external_id, p.version, \
         m.role, m.joined_at, m.read_seq \
         FROM members m LEFT JOIN profiles p ON p.user_id = m.user_id WHERE m.room = $1 "
    };
}

/// Joined with the room, so that a deleted room has no events, though their rows go later.
macro_rules! events_of {
    () => {
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM rooms r JOIN events e ON e.topic = r.id",
            event_profiles!(),
            "WHERE r.id = $1 "
        )
    };
}

/// Of an inbox that is all: every user has one, so there is nothing to join.
macro_rules! events_of_topic {
    () => {
        concat!("SELECT ", event_columns!(), " FROM events e", event_profiles!(), "WHERE e.topic = $1 ")
    };
}

pub(super) const VIEW_BY_ID: &str = concat!(view_of_rooms!(), "WHERE r.id = $2");
pub(super) const VIEW_BY_SLUG: &str = concat!(view_of_rooms!(), "WHERE r.slug = $2");
pub(super) const VIEW_BY_EXTERNAL_ID: &str = concat!(view_of_rooms!(), "WHERE r.external_id = $2");

pub(super) const ACTIVE_ROOMS: &str =
    concat!(view_of_memberships!(), "ORDER BY r.active_at DESC, r.id DESC LIMIT $2");
pub(super) const ACTIVE_ROOMS_AFTER: &str = concat!(
    view_of_memberships!(),
    "AND (r.active_at, r.id) < ($3, $4) ORDER BY r.active_at DESC, r.id DESC LIMIT $2"
);

// The literal kind, not a parameter: it is what the partial index says.
pub(super) const JOINABLE_ROOMS: &str =
    concat!(view_of_rooms!(), "WHERE r.kind = 1 AND m.user_id IS NULL ORDER BY r.id DESC LIMIT $2");
pub(super) const JOINABLE_ROOMS_AFTER: &str = concat!(
    view_of_rooms!(),
    "WHERE r.kind = 1 AND m.user_id IS NULL AND r.id < $3 ORDER BY r.id DESC LIMIT $2"
);

pub(super) const MEMBERSHIPS: &str = "SELECT room FROM members WHERE user_id = $1 ORDER BY room LIMIT $2";

pub(super) const MEMBER: &str = concat!(member_of!(), "AND m.user_id = $2");
pub(super) const MEMBERS: &str =
    concat!(member_of!(), "ORDER BY m.role DESC, m.joined_at, m.user_id LIMIT $2");
pub(super) const MEMBERS_AFTER: &str = concat!(
    member_of!(),
    "AND (m.role < $3 OR (m.role = $3 AND (m.joined_at, m.user_id) > ($4, $5))) ",
    "ORDER BY m.role DESC, m.joined_at, m.user_id LIMIT $2"
);
pub(super) const OWNERS: &str = "SELECT count(*) FROM members WHERE room = $1 AND role = 3";

/// Of a room that is there, or that left a tombstone.
pub(super) const LOG_AFTER: &str = concat!(
    events_of_topic!(),
    "AND e.seq > $2 AND (EXISTS (SELECT 1 FROM rooms r WHERE r.id = $1) ",
    "OR EXISTS (SELECT 1 FROM purges p WHERE p.topic = $1 AND p.head IS NOT NULL)) ORDER BY e.seq LIMIT $3"
);

pub(super) const EVENTS_AFTER: &str = concat!(events_of!(), "AND e.seq > $2 ORDER BY e.seq LIMIT $3");
pub(super) const EVENTS_BEFORE: &str = concat!(events_of!(), "AND e.seq < $2 ORDER BY e.seq DESC LIMIT $3");
pub(super) const MESSAGES_AFTER: &str =
    concat!(events_of!(), "AND e.seq > $2 AND e.kind = 1 ORDER BY e.seq LIMIT $3");
pub(super) const MESSAGES_BEFORE: &str =
    concat!(events_of!(), "AND e.seq < $2 AND e.kind = 1 ORDER BY e.seq DESC LIMIT $3");

pub(super) const INSERT_ROOM: &str = "\
    INSERT INTO rooms (id, kind, name, slug, created_at, creator, creation_key, direct_low, direct_high, \
                       active_at, head, messages, last_message_seq, member_count, external_id) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12, $13) ON CONFLICT DO NOTHING";
pub(super) const CREATED_AS_EXTERNAL: &str = "SELECT id FROM rooms WHERE external_id = $1";
pub(super) const CREATED_BY_KEY: &str = "SELECT id FROM rooms WHERE creator = $1 AND creation_key = $2";
pub(super) const CREATED_FOR_PAIR: &str = "SELECT id FROM rooms WHERE direct_low = $1 AND direct_high = $2";

pub(super) const SAVE_ROOM: &str =
    "UPDATE rooms SET name = $2, slug = $3, active_at = $4, head = $5, member_count = $6 WHERE id = $1";
pub(super) const SLUG_OF_ANOTHER: &str = "SELECT id FROM rooms WHERE slug = $1 AND id <> $2";
pub(super) const DELETE_ROOM: &str = "DELETE FROM rooms WHERE id = $1";
pub(super) const INSERT_PURGE: &str = "INSERT INTO purges (topic, since, head) VALUES ($1, $2, $3)";

/// Chooses the room that was deleted first, before `$1`. Without a head it is no tombstone any more: a log of which
/// the beginning is gone must not be read.
pub(super) const BEGIN_PURGE: &str = "\
    UPDATE purges SET head = NULL \
    WHERE topic = (SELECT p.topic FROM purges p WHERE p.since < $1 ORDER BY p.since LIMIT 1) RETURNING topic";
/// Seqs are contiguous, so a span of them is a bounded number of rows.
pub(super) const PURGE_EVENTS: &str = "\
    DELETE FROM events WHERE topic = $1 AND seq < (SELECT min(e.seq) + $2 FROM events e WHERE e.topic = $1)";
pub(super) const DELETE_PURGE: &str = "DELETE FROM purges WHERE topic = $1";

pub(super) const INSERT_MEMBER: &str = "\
    INSERT INTO members (room, user_id, role, joined_at, read_seq, read_ordinal) VALUES ($1, $2, $3, $4, $5, $6)";
pub(super) const SET_ROLE: &str = "UPDATE members SET role = $3 WHERE room = $1 AND user_id = $2";
pub(super) const DELETE_MEMBER: &str = "DELETE FROM members WHERE room = $1 AND user_id = $2";

pub(super) const INSERT_EVENT: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Moves a read mark; `src/unread.rs` has the arithmetic.
///
/// It takes no lock on the room. Appends may commit meanwhile, so everything it reads besides the member's own
/// row is of events at or below the mark, which change no more. (PostgreSQL, when it has waited for the row,
/// computes this again on the row's new version, but sees other tables as they were.)
pub(super) const MARK_READ: &str = "\
    UPDATE members SET read_seq = $3, \
        read_ordinal = coalesce((SELECT e.ordinal FROM events e WHERE e.topic = $1 AND e.seq = $3), read_ordinal), \
        read_sent = CASE WHEN sent_seq <= $3 THEN sent ELSE read_sent + ( \
            SELECT count(*) FROM events e \
            WHERE e.topic = $1 AND e.seq > members.read_seq AND e.seq <= $3 AND e.actor = $2 AND e.kind = 1) END \
    WHERE room = $1 AND user_id = $2 AND read_seq < $3";

/// Takes an inbox's lock, by a row that there may not have been.
pub(super) const LOCK_INBOX: &str = "\
    INSERT INTO inboxes (user_id, head, active_at) VALUES ($1, 0, $2) \
    ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head";
/// Takes an inbox's next place, and its lock.
pub(super) const GROW_INBOX: &str = "\
    INSERT INTO inboxes (user_id, head, active_at) VALUES ($1, 1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET head = inboxes.head + 1, \
        active_at = CASE WHEN inboxes.active_at > $2 THEN inboxes.active_at ELSE $2 END \
    RETURNING head, active_at";
pub(super) const INSERT_NOTICE: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, detail) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)";
pub(super) const NOTICE_BY_KEY: &str = concat!(events_of_topic!(), "AND e.actor = $1 AND e.key = $2");
pub(super) const NOTICES_AFTER: &str = concat!(events_of_topic!(), "AND e.seq > $2 ORDER BY e.seq LIMIT $3");
pub(super) const NOTICES_BEFORE: &str =
    concat!(events_of_topic!(), "AND e.seq < $2 ORDER BY e.seq DESC LIMIT $3");
pub(super) const MARK_INBOX_READ: &str = "\
    UPDATE inboxes SET read_seq = CASE WHEN $2 < head THEN $2 ELSE head END \
    WHERE user_id = $1 AND read_seq < $2 AND read_seq < head";

pub(super) const INSERT_EPOCH: &str =
    "INSERT INTO log_epoch (id, epoch) VALUES (1, $1) ON CONFLICT DO NOTHING";
pub(super) const UPDATE_EPOCH: &str = "UPDATE log_epoch SET epoch = $1 WHERE id = 1";

/// A profile replaces one of a lower version only: tokens of different ages arrive in any order. What the
/// embedding site calls a user stays, once it is known: not every token says it.
macro_rules! newer_profile {
    () => {
        "ON CONFLICT (user_id) DO UPDATE SET username = excluded.username, name = excluded.name, \
         avatar_url = excluded.avatar_url, \
         external_id = coalesce(excluded.external_id, profiles.external_id), version = excluded.version WHERE excluded.version > profiles.version"
    };
}

pub(super) use {event_columns, event_profiles, newer_profile, room_columns};
