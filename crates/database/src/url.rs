//! Which database a URL names.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// What of a path stands as it is in a URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

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
    #[error(
        "is malformed, or names no database; in a user, a password and a path, percent-encode what is neither a letter nor \
         a digit: `#` is %23, `/` is %2F, `?` is %3F, `%` is %25"
    )]
    Malformed,
    /// The user or the password holds a character that ends them.
    #[error(
        "has a user or a password with a character that ends it; percent-encode it: `#` is %23, `/` is %2F, `?` is %3F"
    )]
    Login,
    /// Each connection would have a database of its own, and all of them would be empty after a start.
    #[error("names a database in memory; expected sqlite:// and the path of a file")]
    InMemory,
}

/// The URL of the SQLite database in a file, whatever characters the file's path holds.
#[must_use]
pub fn sqlite_url(file: &Path) -> String {
    // SQLite takes a name that begins so for a URL of its own.
    let dot = if file.as_os_str().as_encoded_bytes().starts_with(b"file:") { "./" } else { "" };
    format!("sqlite://{dot}{}", percent_encode(file.as_os_str().as_encoded_bytes(), PATH))
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
