//! The files of the web client, `clients/web`, as they are served. They are part of the program.

/// A file of the client.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// The path below the page, such as `assets/index-1a2b3c4d.js`.
    pub path: &'static str,
    /// What it contains.
    pub identity: &'static [u8],
    /// The same, compressed with brotli; absent where that is no smaller.
    pub brotli: Option<&'static [u8]>,
}

/// The page itself.
pub const INDEX: &str = "index.html";

/// Where files are whose names have a hash of their content: under such a name there is never another content.
pub const HASHED: &str = "assets/";

/// The files of the client; none if it was not built before this program.
pub const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));
