//! A database for each test.

use std::time::Duration;

use crate::database_admin::{create_database, drop_database};
use crate::error::Result;
use crate::random::random_hex;

/// A server that does not drop a database within this is dead or paused.
const DROP_DEADLINE: Duration = Duration::from_secs(5);

/// A database that one test has for itself, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    name: String,
    url: String,
}

impl TestDatabase {
    pub(crate) async fn create(admin_url: &str) -> Result<Self> {
        let name = format!("test_{}", random_hex());
        create_database(admin_url, &name).await?;
        Ok(Self { admin_url: admin_url.to_owned(), url: with_database(admin_url, &name), name })
    }

    /// The URL by which to connect.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A drop cannot await, and its test's runtime may be ending: another thread has a small runtime of its own.
        // A server that is gone took the database with it, so that a failure needs no word.
        let (admin_url, name) = (std::mem::take(&mut self.admin_url), std::mem::take(&mut self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            let dropped =
                async { tokio::time::timeout(DROP_DEADLINE, drop_database(&admin_url, &name)).await };
            runtime.block_on(dropped).ok()?.ok()
        });
        let _ = dropping.join();
    }
}

/// The same URL for another database: the path is replaced, a query (`?sslmode=…`) kept.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let authority = base.find("://").map_or(0, |at| at + "://".len());
    let path = base.get(authority..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| authority + at);
    let server = base.get(..path).unwrap_or(base);
    query.map_or_else(|| format!("{server}/{name}"), |query| format!("{server}/{name}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_path_of_a_url_is_replaced() {
        assert_eq!(with_database("postgres://u:p@h:1/postgres", "x"), "postgres://u:p@h:1/x");
        assert_eq!(with_database("postgres://u:p@h:1", "x"), "postgres://u:p@h:1/x");
        assert_eq!(with_database("postgres://h/a?sslmode=disable", "x"), "postgres://h/x?sslmode=disable");
    }
}
