//! What all formats are copied by.

use std::io::{Read, Write};

use image::metadata::Orientation;

use crate::PictureError;

/// The most bytes of metadata that are looked at for the orientation. A segment of JPEG has no more.
const EXIF_MAX_BYTES: u64 = 65_536;

/// What Exif says of nothing but the orientation (TIFF 6.0, section 2; Exif 2.3, tag 274). None where the picture stands upright.
pub(super) fn orientation_alone(exif: &[u8]) -> Option<[u8; 26]> {
    let orientation = Orientation::from_exif_chunk(exif)?;
    if orientation == Orientation::NoTransforms {
        return None;
    }
    let mut alone = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    alone[18] = orientation.to_exif();
    Some(alone)
}

pub(super) fn read_array<const N: usize>(input: &mut impl Read) -> Result<[u8; N], PictureError> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Copies so many bytes.
pub(super) fn copy_exact(
    input: &mut impl Read,
    output: &mut impl Write,
    length: u64,
) -> Result<(), PictureError> {
    if std::io::copy(&mut input.take(length), output)? == length {
        Ok(())
    } else {
        Err(PictureError::broken("it ends too early"))
    }
}

/// Passes over so many bytes, which must be there.
pub(super) fn skip_exact(input: &mut impl Read, length: u64) -> Result<(), PictureError> {
    copy_exact(input, &mut std::io::sink(), length)
}

/// Reads so many bytes if they are few enough, else passes over them.
pub(super) fn read_few(input: &mut impl Read, length: u64) -> Result<Vec<u8>, PictureError> {
    if length > EXIF_MAX_BYTES {
        skip_exact(input, length)?;
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    copy_exact(input, &mut bytes, length)?;
    Ok(bytes)
}
