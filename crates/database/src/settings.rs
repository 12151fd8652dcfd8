//! How a service's process reaches its database.

use std::path::PathBuf;

use clap::Args;
use madang_kit::{Secret, StartError};

use crate::verified_by;

/// The database of a service's process.
#[derive(Debug, Clone, Args)]
#[group(id = "database")]
pub struct DatabaseSettings {
    /// The URL of the database: postgres://… or sqlite://…
    #[arg(long = "database-url", id = "database_url", value_name = "URL")]
    url: Secret,

    /// The file with the authorities in PEM that sign PostgreSQL's certificate. With it, the certificate and the host name
    /// are verified (sslmode=verify-full)
    #[arg(long = "database-ca-file", id = "database_ca_file", value_name = "FILE")]
    authorities: Option<PathBuf>,

    /// Whether the start applies the migrations. With false, the command `migrate` does it before, by a role that may change
    /// the schema, and the start waits for it
    #[arg(long = "migrate", id = "migrate_at_start", default_value_t = true, action = clap::ArgAction::Set,
        num_args = 0..=1, default_missing_value = "true")]
    pub migrate: bool,
}

impl DatabaseSettings {
    /// The URL, with which the server is verified where there are authorities.
    ///
    /// # Errors
    /// When the two settings contradict each other.
    pub fn url(&self) -> Result<Secret, StartError> {
        let Some(authorities) = &self.authorities else { return Ok(self.url.clone()) };
        match verified_by(self.url.expose(), authorities) {
            Ok(url) => Ok(url.into()),
            Err(error) => Err(StartError::setting("MADANG_DATABASE_URL", error.to_string())),
        }
    }
}
