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
        "is malformed or names no database; in a user, a password and a path, percent-encode all characters except \
         letters and digits: `#` is %23, `/` is %2F, `?` is %3F, `%` is %25"
    )]
    Malformed,
    /// The user or the password holds a character that ends them.
    #[error(
        "has a user or a password with a character that must be percent-encoded: `#` is %23, `/` is %2F, `?` is %3F"
    )]
    Login,
    /// The authorities verify a server, and the URL says otherwise, or names another kind of database.
    #[error(
        "has no sslmode and no sslrootcert where MADANG_DATABASE_CA_FILE names the authorities: the server is then verified by \
         them (verify-full). A file of SQLite has no authorities"
    )]
    Authorities,
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

/// The URL of a PostgreSQL whose certificate and host name are verified (`verify-full`) by the authorities in a file, which
/// each connection reads again.
///
/// # Errors
/// [`UrlError::Authorities`].
pub fn verified_by(url: &str, authorities: &Path) -> Result<String, UrlError> {
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    let says_otherwise = parameters.split('&').any(|parameter| {
        matches!(
            parameter.split('=').next(),
            Some("sslmode" | "ssl-mode" | "sslrootcert" | "ssl-root-cert" | "ssl-ca")
        )
    });
    if says_otherwise || !matches!(DatabaseUrl::parse(url), Ok(DatabaseUrl::Postgres(_))) {
        return Err(UrlError::Authorities);
    }
    let file = percent_encode(authorities.as_os_str().as_encoded_bytes(), PATH);
    let separator = if parameters.is_empty() { "" } else { "&" };
    Ok(format!("{base}?{parameters}{separator}sslmode=verify-full&sslrootcert={file}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_verify_a_server() {
        let verified = |url: &str| verified_by(url, Path::new("/run/ca 1.pem"));
        for (url, expected) in [
            ("postgres://h/d", "postgres://h/d?sslmode=verify-full&sslrootcert=/run/ca%201.pem"),
            ("postgres://h/d?a=b", "postgres://h/d?a=b&sslmode=verify-full&sslrootcert=/run/ca%201.pem"),
        ] {
            assert_eq!(verified(url).as_deref(), Ok(expected));
        }
        for url in ["postgres://h/d?sslmode=require", "postgres://h/d?a=b&sslrootcert=/x", "sqlite://f", "h"]
        {
            assert_eq!(verified(url), Err(UrlError::Authorities), "{url}");
        }
    }
}
