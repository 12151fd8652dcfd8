//! Why a configuration was refused.

use std::path::PathBuf;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Flags that cannot be understood; or not an error at all: `--help` and `--version`.
    #[error("{0}")]
    Flags(#[from] clap::Error),
    /// A variable or key that does not exist.
    #[error("unknown setting {name}{}", suggestion.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// As it was given.
        name: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// A value that cannot be understood.
    #[error("{name} is malformed: {reason}")]
    Malformed {
        /// The variable or key.
        name: String,
        /// What is wrong; of a secret, without its value.
        reason: String,
    },
    /// A setting that has no value, and no default either.
    #[error("{name} is required but not set")]
    Missing {
        /// Its flag and variable.
        name: String,
    },
    /// One setting given twice in one source.
    #[error("{one} and {other} are both set; keep one of them")]
    Twice {
        /// The one name.
        one: String,
        /// The other name.
        other: String,
    },
    /// A file that cannot be read.
    #[error("{name}: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The setting that names it.
        name: String,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
