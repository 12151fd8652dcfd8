//! Which database a URL names.

/// The kinds of database, each with its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseUrl<'a> {
    /// `postgres://…`
    Postgres(&'a str),
    /// `sqlite://…`
    Sqlite(&'a str),
}

/// Why a URL names no usable database. The messages leave the URL out, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The scheme is neither of the two.
    #[error("must begin with postgres:// or sqlite://, such as postgres://madang@localhost/madang")]
    Scheme,
    /// The rest is malformed.
    #[error("is malformed, or names no database")]
    Malformed,
    /// Each connection would have a database of its own, and all of them would be empty after a start.
    #[error("names a database in memory; expected sqlite:// and the path of a file")]
    InMemory,
}

impl<'a> DatabaseUrl<'a> {
    /// Reads the scheme.
    ///
    /// # Errors
    /// [`UrlError::Scheme`].
    pub fn parse(url: &'a str) -> Result<Self, UrlError> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url)),
            Some(("sqlite", _)) => Ok(Self::Sqlite(url)),
            Some(_) | None => Err(UrlError::Scheme),
        }
    }
}
