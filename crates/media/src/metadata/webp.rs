//! WebP: chunks within one of RIFF (RFC 9649, section 2).

use std::io::{BufRead, Seek, SeekFrom, Write};

use super::copy::{copy_exact, orientation_alone, read_array, read_few, skip_exact};
use crate::PictureError;

/// The chunks that say how the picture looks, and how it moves.
const OF_PICTURE: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// What a `VP8X` says of which chunks there are.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
/// A chunk's type and length.
const HEADER_BYTES: u64 = 8;

/// Reads the picture twice: its length stands before all that is left out.
pub(super) fn copy(input: &mut (impl BufRead + Seek), output: &mut impl Write) -> Result<(), PictureError> {
    let begin = input.stream_position()?;
    let (mut kept, mut exif) = (4, None);
    walk(input, |input, kind, size| {
        if OF_PICTURE.contains(&&kind) {
            kept += HEADER_BYTES + padded(size);
        } else if &kind == b"EXIF" && exif.is_none() {
            exif = orientation_alone(&read_few(input, size.into())?);
            return skip_exact(input, padded(size) - u64::from(size));
        }
        skip_exact(input, padded(size))
    })?;
    input.seek(SeekFrom::Start(begin))?;
    let length = kept + exif.map_or(0, |exif| HEADER_BYTES + exif.len() as u64);
    let length = u32::try_from(length).map_err(|_| PictureError::broken("it is too long"))?;
    output.write_all(b"RIFF")?;
    output.write_all(&length.to_le_bytes())?;
    output.write_all(b"WEBP")?;
    walk(input, |input, kind, size| {
        if !OF_PICTURE.contains(&&kind) {
            return skip_exact(input, padded(size));
        }
        write_header(output, kind, size)?;
        let mut rest = padded(size);
        if &kind == b"VP8X" && size > 0 {
            let [flags] = read_array(input)?;
            let flags = (flags & !HAS_EXIF & !HAS_XMP) | exif.map_or(0, |_| HAS_EXIF);
            output.write_all(&[flags])?;
            rest -= 1;
        }
        copy_exact(input, output, rest)
    })?;
    if let Some(exif) = exif {
        write_header(output, *b"EXIF", exif.len() as u32)?;
        output.write_all(&exif)?;
    }
    Ok(())
}

/// Gives each chunk of the picture to `chunk`, which reads all of it with its padding.
fn walk<R: BufRead>(
    input: &mut R,
    mut chunk: impl FnMut(&mut R, [u8; 4], u32) -> Result<(), PictureError>,
) -> Result<(), PictureError> {
    let riff: [u8; 4] = read_array(input)?;
    let length = u32::from_le_bytes(read_array(input)?);
    let webp: [u8; 4] = read_array(input)?;
    if (&riff, &webp) != (b"RIFF", b"WEBP") {
        return Err(PictureError::broken("it is no WebP"));
    }
    let mut left = u64::from(length).saturating_sub(4);
    while left >= HEADER_BYTES {
        let kind: [u8; 4] = read_array(input)?;
        let size = u32::from_le_bytes(read_array(input)?);
        let taken = HEADER_BYTES + padded(size);
        if taken > left {
            return Err(PictureError::broken("a chunk is too long"));
        }
        chunk(input, kind, size)?;
        left -= taken;
    }
    Ok(())
}

fn padded(size: u32) -> u64 {
    u64::from(size) + u64::from(size % 2)
}

fn write_header(output: &mut impl Write, kind: [u8; 4], size: u32) -> Result<(), PictureError> {
    output.write_all(&kind)?;
    Ok(output.write_all(&size.to_le_bytes())?)
}
