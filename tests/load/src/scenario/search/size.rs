//! What the index takes on the disk.

use std::{path::Path, str::FromStr as _};

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

use crate::error::BenchError;

/// The database that a cluster's message stores share.
const STORES_DATABASE: &str = "madang_message_store";
/// What PostgreSQL stores of search.
const RELATIONS: [(&str, &str); 3] = [
    ("table of tokens", "search"),
    ("index of tokens", "search_by_token"),
    ("index by time", "search_by_time"),
];
/// What SQLite stores of search, in its bytes without those of pages and cells.
const VALUES: [(&str, &str); 3] = [
    ("table of tokens", "SELECT sum(length(tokens) + length(room)) FROM search"),
    ("index of tokens", "SELECT sum(length(block)) FROM search_index_data"),
    ("the whole database", "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"),
];

/// A connection to the database of the stores, beside them.
pub(super) enum Database {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Database {
    /// The message stores' PostgreSQL. The URL is that of the server, and of another database.
    pub(super) async fn postgres(url: &str) -> Result<Self, BenchError> {
        let options = PgConnectOptions::from_str(url)?.database(STORES_DATABASE);
        Ok(Self::Postgres(PgConnection::connect_with(&options).await?))
    }

    /// A message store's file, which is only read.
    pub(super) async fn sqlite(file: &Path) -> Result<Self, BenchError> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        Ok(Self::Sqlite(options.connect().await?))
    }

    /// What search takes, each part with its name and its bytes. PostgreSQL learns how large it is for its plans.
    #[expect(clippy::cast_precision_loss, reason = "sizes of one run are far below 2^52")]
    pub(super) async fn sizes(&mut self) -> Result<Vec<(&'static str, f64)>, BenchError> {
        let mut sizes = Vec::new();
        match self {
            Self::Postgres(connection) => {
                sqlx::raw_sql("ANALYZE search").execute(&mut *connection).await?;
                for (name, relation) in RELATIONS {
                    let bytes: i64 = sqlx::query_scalar("SELECT pg_relation_size($1::text::regclass)")
                        .bind(relation)
                        .fetch_one(&mut *connection)
                        .await?;
                    sizes.push((name, bytes as f64));
                }
            }
            Self::Sqlite(connection) => {
                for (name, statement) in VALUES {
                    let bytes: i64 = sqlx::query_scalar(statement).fetch_one(&mut *connection).await?;
                    sizes.push((name, bytes as f64));
                }
            }
        }
        Ok(sizes)
    }
}
