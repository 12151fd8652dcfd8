//! Appends, and what comes before them: the profiles of senders and the members whom a text names. Each takes many
//! things at once, as arrays.

use std::sync::Arc;

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{Profile, RoomId, Timestamp, UserId, Username};
use madang_rpc::store::{Appended, Mentioned};
use sqlx::{FromRow, PgConnection, query, query_as};
use uuid::Uuid;

use crate::store::{
    batches::{AppendOutcome, AppendRow},
    columns::newer_profile,
    values::seq,
};

/// The migration `0002_append_messages.sql` has the reasons, and `0027_guests.sql` its present form.
const APPEND: &str = "SELECT outcome, seq, at FROM append_messages($1, $2, $3, $4, $5, $6, $7, $8, true)";

/// The migration `0017_append_one_message.sql` has the reasons, and `0027_guests.sql` its present form.
const APPEND_ONE: &str = "SELECT seq, at FROM append_message($1, $2, $3, $4, $5, $6, $7)";

/// The migration `0004_append_with_mentions.sql` has the reasons, and `0020_notifications.sql` its present form.
const APPEND_WITH_MENTIONS: &str = "\
    SELECT outcome, seq, at, mentioned, mention_seqs, mention_ats \
    FROM append_with_mentions($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true)";

/// Appends as a function does, and reports what it has appended of those that have the id of a report: in one statement, so
/// that both or neither is done. A batch without such a message does not look at the table of reports.
macro_rules! with_reports {
    ($columns:literal, $call:literal, $reports:literal) => {
        concat!(
            "WITH appended AS MATERIALIZED (SELECT * FROM ",
            $call,
            " WITH ORDINALITY), reported AS ( \
             INSERT INTO reports (room, message, reporter, id, at, status) \
             SELECT ($1::uuid[])[ordinality], seq, '00000000-0000-0000-0000-000000000000'::uuid, (",
            $reports,
            "::uuid[])[ordinality], $6, 1 FROM appended WHERE outcome = 0 AND (",
            $reports,
            "::uuid[])[ordinality] IS NOT NULL) SELECT ",
            $columns,
            " FROM appended ORDER BY ordinality"
        )
    };
}

const APPEND_AND_REPORT: &str =
    with_reports!("outcome, seq, at", "append_messages($1, $2, $3, $4, $5, $6, $7, $8, true)", "$9");
const APPEND_WITH_MENTIONS_AND_REPORT: &str = with_reports!(
    "outcome, seq, at, mentioned, mention_seqs, mention_ats",
    "append_with_mentions($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true)",
    "$11"
);

const NAMED_MEMBERS: &str = "\
    SELECT asked.ord, p.user_id \
    FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (room, username, ord) \
    JOIN profiles p ON p.username = asked.username \
    JOIN members m ON m.room = asked.room AND m.user_id = p.user_id";

const SAVE_PROFILES: &str = concat!(
    "INSERT INTO profiles (user_id, username, name, avatar_url, external_id, version) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) ",
    newer_profile!()
);

/// What became of one row; the codes are those of the function.
#[derive(Debug, Default, FromRow)]
pub(super) struct OutcomeRow {
    outcome: i16,
    seq: Option<i64>,
    at: Option<i64>,
    #[sqlx(default)]
    mentioned: Vec<Uuid>,
    #[sqlx(default)]
    mention_seqs: Vec<i64>,
    #[sqlx(default)]
    mention_ats: Vec<i64>,
}

/// Appends as if every key were new, which nearly every one is; when one is not, looks them up.
pub(super) async fn append(
    connection: &mut PgConnection,
    now: Timestamp,
    rows: &[AppendRow<'_>],
) -> Result<Vec<OutcomeRow>, sqlx::Error> {
    let appended = match rows {
        [row] if row.mentions.is_empty() && row.report.is_none() => {
            match append_one(connection, now, row).await {
                // It was not appended, for a reason that the other function finds.
                Ok(None) => call_append(connection, now, rows, false).await,
                Ok(Some(outcome)) => Ok(vec![outcome]),
                Err(error) => Err(error),
            }
        }
        _ => call_append(connection, now, rows, false).await,
    };
    match appended {
        Err(sqlx::Error::Database(refusal)) if refusal.is_unique_violation() => {
            call_append(connection, now, rows, true).await
        }
        result => result,
    }
}

/// Appends one message in a transaction that goes on: a key that is taken must not break it, and is looked up at once.
pub(super) async fn append_alone(
    connection: &mut PgConnection,
    now: Timestamp,
    row: &AppendRow<'_>,
) -> Result<Vec<OutcomeRow>, sqlx::Error> {
    call_append(connection, now, std::slice::from_ref(row), true).await
}

/// What became of a message that was appended alone.
pub(super) fn outcome(rows: Vec<OutcomeRow>) -> DatabaseResult<AppendOutcome> {
    let row =
        rows.into_iter().next().ok_or_else(|| DatabaseError::corrupt("append outcome", "it is absent"))?;
    row.try_into()
}

async fn append_one(
    connection: &mut PgConnection,
    now: Timestamp,
    row: &AppendRow<'_>,
) -> Result<Option<OutcomeRow>, sqlx::Error> {
    let query = query_as(APPEND_ONE)
        .bind(row.room.uuid())
        .bind(row.actor.uuid())
        .bind(row.key)
        .bind(row.text)
        .bind(row.detail)
        .bind(now.as_micros())
        .bind(row.by_site);
    let (seq, at): (Option<i64>, Option<i64>) = query.fetch_one(connection).await?;
    Ok(seq.map(|seq| OutcomeRow { outcome: 0, seq: Some(seq), at, ..OutcomeRow::default() }))
}

async fn call_append(
    connection: &mut PgConnection,
    now: Timestamp,
    rows: &[AppendRow<'_>],
    look_up: bool,
) -> Result<Vec<OutcomeRow>, sqlx::Error> {
    let rooms: Vec<Uuid> = rows.iter().map(|row| row.room.uuid()).collect();
    let actors: Vec<Uuid> = rows.iter().map(|row| row.actor.uuid()).collect();
    let keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
    let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
    let details: Vec<Option<&str>> = rows.iter().map(|row| row.detail).collect();
    let mentions = rows
        .iter()
        .zip(1_i64..)
        .flat_map(|(row, ord)| row.mentions.iter().map(move |user| (ord, user.uuid())));
    let (ords, users): (Vec<i64>, Vec<Uuid>) = mentions.unzip();
    let reports: Vec<Option<Uuid>> = rows.iter().map(|row| row.report).collect();
    let is_reported = reports.iter().any(Option::is_some);
    let statement = match (ords.is_empty(), is_reported) {
        (true, false) => APPEND,
        (false, false) => APPEND_WITH_MENTIONS,
        (true, true) => APPEND_AND_REPORT,
        (false, true) => APPEND_WITH_MENTIONS_AND_REPORT,
    };
    let query = query_as(statement)
        .bind(rooms)
        .bind(actors)
        .bind(keys)
        .bind(texts)
        .bind(details)
        .bind(now.as_micros())
        .bind(look_up);
    let query = if ords.is_empty() { query } else { query.bind(ords).bind(users) };
    // Absent where none is the site's, as nearly always.
    let by_site = rows.iter().any(|row| row.by_site);
    let by_site = by_site.then(|| rows.iter().map(|row| row.by_site).collect::<Vec<bool>>());
    let query = query.bind(by_site);
    let query = if is_reported { query.bind(reports) } else { query };
    query.fetch_all(connection).await
}

pub(super) async fn named_members(
    connection: &mut PgConnection,
    asked: &[(RoomId, Username)],
) -> Result<Vec<(usize, UserId)>, sqlx::Error> {
    let (rooms, names): (Vec<Uuid>, Vec<&str>) =
        asked.iter().map(|(room, name)| (room.uuid(), name.as_str())).unzip();
    let rows: Vec<(i64, Uuid)> =
        query_as(NAMED_MEMBERS).bind(rooms).bind(names).fetch_all(connection).await?;
    // Ordinals count from 1.
    let place = |ord: i64| usize::try_from(ord - 1).unwrap_or(usize::MAX);
    Ok(rows.into_iter().map(|(ord, user)| (place(ord), UserId::new(user))).collect())
}

impl TryFrom<OutcomeRow> for AppendOutcome {
    type Error = DatabaseError;

    fn try_from(row: OutcomeRow) -> DatabaseResult<Self> {
        match (row.outcome, row.seq, row.at) {
            (outcome @ (0 | 1), Some(place), Some(at)) => Ok(Self::Appended(Appended {
                seq: seq(place)?,
                at: Timestamp::from_micros(at),
                duplicate: outcome == 1,
                mentions: row
                    .mentioned
                    .into_iter()
                    .zip(row.mention_seqs.into_iter().zip(row.mention_ats))
                    .map(|(user, (place, at))| {
                        // No notice has the place 0: the user has blocked the sender.
                        let notice = (seq(place)?, Timestamp::from_micros(at));
                        Ok(Mentioned { user: UserId::new(user), notice: (place > 0).then_some(notice) })
                    })
                    .collect::<DatabaseResult<_>>()?,
                excerpt: None,
                attachments: Vec::new(),
                mentions_all: None,
            })),
            (2, ..) => Ok(Self::NoRoom),
            (3, ..) => Ok(Self::NotMember),
            (4, ..) => Ok(Self::Refused),
            (5, ..) => Ok(Self::OtherBlocked),
            (6, ..) => Ok(Self::Archived),
            (7, ..) => Ok(Self::OnlyModerators),
            (8, _, Some(until)) => Ok(Self::Muted(Timestamp::from_micros(until))),
            (9, _, Some(at)) => Ok(Self::TooSoon(Timestamp::from_micros(at))),
            (other, ..) => Err(DatabaseError::corrupt("append outcome", format!("{other} is none"))),
        }
    }
}

pub(super) async fn save_profiles(
    connection: &mut PgConnection,
    profiles: &[Arc<Profile>],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = profiles.iter().map(|profile| profile.id.uuid()).collect();
    let usernames: Vec<&str> = profiles.iter().map(|profile| profile.username.as_str()).collect();
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    let avatars: Vec<Option<&str>> = profiles.iter().map(|profile| profile.avatar_url.as_deref()).collect();
    let externals: Vec<Option<&str>> =
        profiles.iter().map(|profile| profile.external_id.as_deref()).collect();
    let versions: Vec<i64> = profiles.iter().map(|profile| profile.version.as_micros()).collect();
    let query = query(SAVE_PROFILES).bind(ids).bind(usernames).bind(names).bind(avatars);
    query.bind(externals).bind(versions).execute(connection).await.map(drop)
}
