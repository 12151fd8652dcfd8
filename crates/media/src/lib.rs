//! What the bytes of a file say, whatever its name is: its media type, and of a picture its size, a placeholder and
//! thumbnails. And a picture without what it says of its place.
//!
//! Nothing here is async: reading a picture takes a processor for up to seconds, and belongs on a thread that may.

mod metadata;
mod picture;
mod sniff;

pub use metadata::remove_metadata;
pub use picture::{Picture, PictureBounds, Thumbnail, ThumbnailSize, read_picture};
pub use sniff::{HEAD_MAX_BYTES, PictureKind, Sniffed, is_shown_inline, sniff};

/// Why a picture is refused.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The bytes begin as a picture and do not go on as one.
    #[error("the file is a broken picture: {0}")]
    Broken(Box<str>),
    /// The picture has more pixels than may be, or takes more memory: a small file may unfold to gigabytes.
    #[error("the picture has more pixels than the limit")]
    TooLarge,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(std::io::Error),
}

impl PictureError {
    fn broken(why: &str) -> Self {
        Self::Broken(why.into())
    }
}

impl From<std::io::Error> for PictureError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::broken("it ends too early"),
            _ => Self::Io(error),
        }
    }
}
