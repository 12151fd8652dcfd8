//! Pictures without their metadata: where and by whom they were taken, and whatever else a camera or a program adds.
//!
//! The picture itself is not encoded again: what is no part of it is left out while it is copied, a part at a time. Of the
//! metadata only the orientation stays, without which a photograph would lie on its side. What stands behind the end of the
//! picture goes too: phones put films there.

mod gif;
mod jpeg;
mod png;
mod webp;

use std::io::{BufRead, Read, Seek, Write};

use image::metadata::Orientation;

use crate::{PictureError, PictureKind};

/// The most bytes of metadata that are looked at for the orientation. A segment of JPEG has no more.
const EXIF_MAX_BYTES: u64 = 65_536;

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

/// What Exif says of nothing but the orientation (TIFF 6.0, section 2; Exif 2.3, tag 274). None where the picture stands upright.
fn orientation_alone(exif: &[u8]) -> Option<[u8; 26]> {
    let orientation = Orientation::from_exif_chunk(exif)?;
    if orientation == Orientation::NoTransforms {
        return None;
    }
    let mut alone = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    alone[18] = orientation.to_exif();
    Some(alone)
}

fn read_array<const N: usize>(input: &mut impl Read) -> Result<[u8; N], PictureError> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Copies so many bytes.
fn copy_exact(input: &mut impl Read, output: &mut impl Write, length: u64) -> Result<(), PictureError> {
    if std::io::copy(&mut input.take(length), output)? == length {
        Ok(())
    } else {
        Err(PictureError::broken("it ends too early"))
    }
}

/// Passes over so many bytes, which must be there.
fn skip_exact(input: &mut impl Read, length: u64) -> Result<(), PictureError> {
    copy_exact(input, &mut std::io::sink(), length)
}

/// Reads so many bytes if they are few enough, else passes over them.
fn read_few(input: &mut impl Read, length: u64) -> Result<Vec<u8>, PictureError> {
    if length > EXIF_MAX_BYTES {
        skip_exact(input, length)?;
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    copy_exact(input, &mut bytes, length)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
