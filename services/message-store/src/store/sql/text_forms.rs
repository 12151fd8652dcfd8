//! The names that earlier versions recorded, which are brought into the form that names have now, once. Compiled once for
//! each database: see [`crate::store`].
//!
//! Names of rooms are shown alone; those of users are found by, when a message mentions them. Neither is unique here, so
//! nothing can clash. Texts of messages stay as they were said.

use madang_domain::{DisplayName, RoomName, Username};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::driver::Db;

/// The rows of one page.
const ROWS_AT_ONCE: i64 = 1_000;

/// What this pass is called when it is done.
const NAMES: &str = "names";

const IS_DONE: &str = "SELECT count(*) FROM text_forms WHERE form = $1";
const DONE: &str = "INSERT INTO text_forms (form) VALUES ($1) ON CONFLICT DO NOTHING";
const ROOMS: &str = "SELECT id, name FROM rooms WHERE id > $1 ORDER BY id LIMIT $2";
const FORM_ROOM: &str = "UPDATE rooms SET name = $2 WHERE id = $1 AND name = $3";
const PROFILES: &str =
    "SELECT user_id, username, name FROM profiles WHERE user_id > $1 ORDER BY user_id LIMIT $2";
const FORM_PROFILE: &str =
    "UPDATE profiles SET username = $2, name = $3 WHERE user_id = $1 AND username = $4 AND name = $5";

type DbConnection = <Db as sqlx::Database>::Connection;

/// Forms the names of rooms and of profiles, where that was not done. Replicas may do it at once.
pub(super) async fn form_names(connection: &mut DbConnection) -> Result<(), sqlx::Error> {
    let done: i64 = query_scalar(IS_DONE).bind(NAMES).fetch_one(&mut *connection).await?;
    if done > 0 {
        return Ok(());
    }
    let rooms = form_rooms(connection).await?;
    let profiles = form_profiles(connection).await?;
    query::<Db>(DONE).bind(NAMES).execute(&mut *connection).await?;
    if rooms + profiles > 0 {
        tracing::info!(rooms, profiles, "names of an earlier version have their form");
    }
    Ok(())
}

async fn form_rooms(connection: &mut DbConnection) -> Result<u64, sqlx::Error> {
    let (mut after, mut formed) = (Uuid::nil(), 0);
    loop {
        let page = query_as(ROOMS).bind(after).bind(ROWS_AT_ONCE);
        let page: Vec<(Uuid, String)> = page.fetch_all(&mut *connection).await?;
        let Some((last, _)) = page.last() else { return Ok(formed) };
        after = *last;
        for (id, name) in page {
            // What no version accepted is left for whoever reads it to complain of.
            let Some(form) = RoomName::recorded(&name).ok().filter(|form| **form != *name) else { continue };
            let form = query::<Db>(FORM_ROOM).bind(id).bind(form.into_string()).bind(name);
            formed += form.execute(&mut *connection).await?.rows_affected();
        }
    }
}

async fn form_profiles(connection: &mut DbConnection) -> Result<u64, sqlx::Error> {
    let (mut after, mut formed) = (Uuid::nil(), 0);
    loop {
        let page = query_as(PROFILES).bind(after).bind(ROWS_AT_ONCE);
        let page: Vec<(Uuid, String, String)> = page.fetch_all(&mut *connection).await?;
        let Some((last, ..)) = page.last() else { return Ok(formed) };
        after = *last;
        for (id, username, name) in page {
            let (Ok(form), Ok(shown)) = (Username::recorded(username.as_str()), DisplayName::recorded(&name))
            else {
                continue;
            };
            if *form == *username && *shown == *name {
                continue;
            }
            let form = query::<Db>(FORM_PROFILE)
                .bind(id)
                .bind(form.into_string())
                .bind(shown.into_string())
                .bind(username)
                .bind(name);
            formed += form.execute(&mut *connection).await?.rows_affected();
        }
    }
}
