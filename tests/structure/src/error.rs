//! Why a check could not be made.

use std::path::PathBuf;

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of sources cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of sources is not Rust.
    #[error("{}:{}: {error}", path.display(), error.span().start().line)]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        error: syn::Error,
    },
    /// A `mod` declaration leads to no file.
    #[error("{}: no file for `mod {name};`; looked for {looked_for}", path.display())]
    NoFile {
        /// The file with the declaration.
        path: PathBuf,
        /// The module's name.
        name: String,
        /// Where the file should be.
        looked_for: String,
    },
    /// `cargo metadata` failed.
    #[error("cargo metadata: {0}")]
    Metadata(String),
    /// A package that was asked for is not in the workspace.
    #[error("no package of this workspace is called {0}")]
    UnknownPackage(String),
}
