//! PNG: chunks with a length, a type and a sum (W3C, PNG third edition, section 5).

use std::io::{Read, Write};

use super::copy::{copy_exact, orientation_alone, read_array, read_few, skip_exact};
use crate::PictureError;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The longest chunk (section 5.3).
const CHUNK_MAX_BYTES: u32 = i32::MAX as u32;

/// The chunks that say how the picture looks, and how it moves. The critical ones are among them.
const OF_PICTURE: [&[u8; 4]; 20] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs",
    b"bKGD", b"hIST", b"sPLT", b"cICP", b"mDCV", b"cLLI", b"acTL", b"fcTL", b"fdAT",
];

pub(super) fn copy(input: &mut impl Read, output: &mut impl Write) -> Result<(), PictureError> {
    if read_array(input)? != SIGNATURE {
        return Err(PictureError::broken("it is no PNG"));
    }
    output.write_all(&SIGNATURE)?;
    loop {
        let length: [u8; 4] = read_array(input)?;
        let kind: [u8; 4] = read_array(input)?;
        let size = u32::from_be_bytes(length);
        if size > CHUNK_MAX_BYTES {
            return Err(PictureError::broken("a chunk is too long"));
        }
        if OF_PICTURE.contains(&&kind) {
            output.write_all(&length)?;
            output.write_all(&kind)?;
            // With its sum.
            copy_exact(input, output, u64::from(size) + 4)?;
        } else if &kind == b"eXIf" {
            let exif = read_few(input, size.into())?;
            skip_exact(input, 4)?;
            if let Some(exif) = orientation_alone(&exif) {
                write_chunk(output, kind, &exif)?;
            }
        } else if kind[0].is_ascii_uppercase() {
            return Err(PictureError::broken("a critical chunk is unknown"));
        } else {
            skip_exact(input, u64::from(size) + 4)?;
        }
        if &kind == b"IEND" {
            return Ok(());
        }
    }
}

fn write_chunk(output: &mut impl Write, kind: [u8; 4], data: &[u8]) -> Result<(), PictureError> {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&kind);
    sum.update(data);
    let length = u32::try_from(data.len()).map_err(|_| PictureError::broken("a chunk is too long"))?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&kind)?;
    output.write_all(data)?;
    Ok(output.write_all(&sum.finalize().to_be_bytes())?)
}
