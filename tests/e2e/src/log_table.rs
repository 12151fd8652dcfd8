//! What PostgreSQL says.

use std::collections::HashMap;

use madang_client::Sent;
use madang_domain::RoomId;
use sqlx::{Connection as _, Row as _};

/// `events.kind` of a message.
const MESSAGE: i16 = 1;

/// A row of `events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// The place.
    pub seq: i64,
    /// What kind of event; 1 is a message.
    pub kind: i16,
    /// The idempotency key of a message.
    pub key: Option<String>,
    /// The text of a message.
    pub text: Option<String>,
}

impl LogRow {
    /// It is a message.
    #[must_use]
    pub const fn is_message(&self) -> bool {
        self.kind == MESSAGE
    }
}

/// A room's log in the store's PostgreSQL, in order.
///
/// # Panics
/// When it cannot be read.
pub async fn log_of(database_url: &str, room: RoomId) -> Vec<LogRow> {
    let mut connection = sqlx::PgConnection::connect(database_url).await.expect("the store's database");
    let query = sqlx::query("SELECT seq, kind, key, text FROM events WHERE topic = $1 ORDER BY seq");
    let rows = query.bind(room.uuid()).fetch_all(&mut connection).await.expect("the log");
    let row = |row: &sqlx::postgres::PgRow| LogRow {
        seq: row.get(0),
        kind: row.get(1),
        key: row.get(2),
        text: row.get(3),
    };
    rows.iter().map(row).collect()
}

/// The log has no gap, and each acknowledged message stands in it once, at the place that was acknowledged.
///
/// # Panics
/// When not.
pub fn assert_in_log_once(log: &[LogRow], sent: &[Sent]) {
    for (row, place) in log.iter().zip(1..) {
        assert_eq!(row.seq, place, "a log is contiguous from 1");
    }
    let mut places: HashMap<&str, Vec<i64>> = HashMap::new();
    for row in log.iter().filter(|row| row.is_message()) {
        places.entry(row.key.as_deref().expect("a message has a key")).or_default().push(row.seq);
    }
    for message in sent {
        let acknowledged = i64::try_from(message.seq.get()).expect("a place");
        assert_eq!(
            places.get(message.key.as_str()),
            Some(&vec![acknowledged]),
            "where {} stands",
            message.key
        );
    }
}
