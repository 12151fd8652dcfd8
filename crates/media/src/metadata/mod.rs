//! Pictures without their metadata: where and by whom they were taken, and whatever else a camera or a program adds.
//!
//! The picture itself is not encoded again: what is no part of it is left out while it is copied, a part at a time. Of the
//! metadata only the orientation stays, without which a photograph would lie on its side. What stands behind the end of the
//! picture goes too: phones put films there.

mod copy;
mod gif;
mod jpeg;
mod png;
mod webp;

use std::io::{BufRead, Seek, Write};

use crate::{PictureError, PictureKind};

/// Copies a picture without its metadata.
///
/// # Errors
/// When the picture is broken, or reading or writing fails.
pub fn remove_metadata(
    kind: PictureKind,
    input: &mut (impl BufRead + Seek),
    output: &mut impl Write,
) -> Result<(), PictureError> {
    match kind {
        PictureKind::Jpeg => jpeg::copy(input, output),
        PictureKind::Png => png::copy(input, output),
        PictureKind::WebP => webp::copy(input, output),
        PictureKind::Gif => gif::copy(input, output),
    }
}

#[cfg(test)]
mod tests;
