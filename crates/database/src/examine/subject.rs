//! What is looked at.

use madang_kit::doctor::Finding;

use crate::{Migrations, UrlError};

/// A database as one service uses it.
#[derive(Debug)]
pub struct Examined<'a> {
    /// What the findings belong to, such as `Database of the messages`.
    pub about: &'static str,
    /// The URL.
    pub url: &'a str,
    /// The service's migrations for PostgreSQL.
    pub postgres: Migrations,
    /// The service's migrations for SQLite.
    pub sqlite: Migrations,
    /// The connections that one replica of the service may hold.
    pub connections: u32,
    /// Whether the start applies the migrations on PostgreSQL.
    pub migrate: bool,
}

pub(super) fn bad_url(about: &'static str, error: &UrlError) -> Finding {
    let says = format!("MADANG_DATABASE_URL {error}");
    Finding::error("database.url", about, says, "correct the URL; the process does not start with it")
}
