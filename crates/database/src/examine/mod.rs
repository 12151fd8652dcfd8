//! What `doctor` says of a database: whether it can be reached and used, and what is yet to be done to it. Nothing is
//! changed.

mod migrated;
mod postgres;
mod sqlite;
mod subject;

use madang_kit::{clock::Clock, doctor::Finding};

pub use self::subject::Examined;
use self::subject::bad_url;
use crate::DatabaseUrl;

/// Looks at a database.
pub async fn examine(database: Examined<'_>, clock: &dyn Clock) -> Vec<Finding> {
    let about = database.about;
    match DatabaseUrl::parse(database.url) {
        Ok(DatabaseUrl::Postgres(url)) => postgres::examine(&database, url, clock).await,
        Ok(DatabaseUrl::Sqlite(url)) => sqlite::examine(&database, url).await,
        Err(error) => vec![bad_url(about, &error)],
    }
}
