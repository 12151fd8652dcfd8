//! GIF: blocks behind a byte that says their kind (GIF89a, sections 17 to 27).

use std::io::{Read, Write};

use super::copy::{copy_exact, read_array, skip_exact};
use crate::PictureError;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const COMMENT: u8 = 0xfe;
const APPLICATION: u8 = 0xff;
/// How often the picture repeats, which is the one application that is of the picture.
const LOOPS: [&[u8; 11]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

pub(super) fn copy(input: &mut impl Read, output: &mut impl Write) -> Result<(), PictureError> {
    let head: [u8; 13] = read_array(input)?;
    if !head.starts_with(b"GIF8") {
        return Err(PictureError::broken("it is no GIF"));
    }
    output.write_all(&head)?;
    copy_exact(input, output, table_bytes(head[10]))?;
    loop {
        match read_array(input)? {
            [TRAILER] => {
                output.write_all(&[TRAILER])?;
                return Ok(());
            }
            [IMAGE] => {
                let image: [u8; 9] = read_array(input)?;
                output.write_all(&[IMAGE])?;
                output.write_all(&image)?;
                // The colours, and the size of the codes.
                copy_exact(input, output, table_bytes(image[8]) + 1)?;
                copy_blocks(input, output)?;
            }
            [EXTENSION] => copy_extension(input, output)?,
            _ => return Err(PictureError::broken("a block is unknown")),
        }
    }
}

fn copy_extension(input: &mut impl Read, output: &mut impl Write) -> Result<(), PictureError> {
    let [label] = read_array(input)?;
    match label {
        COMMENT => copy_blocks(input, &mut std::io::sink()),
        APPLICATION => {
            let [length] = read_array(input)?;
            if length != 11 {
                skip_exact(input, length.into())?;
                return copy_blocks(input, &mut std::io::sink());
            }
            let name: [u8; 11] = read_array(input)?;
            if !LOOPS.contains(&&name) {
                return copy_blocks(input, &mut std::io::sink());
            }
            output.write_all(&[EXTENSION, label, length])?;
            output.write_all(&name)?;
            copy_blocks(input, output)
        }
        _ => {
            output.write_all(&[EXTENSION, label])?;
            copy_blocks(input, output)
        }
    }
}

/// Copies blocks, each behind its length, up to the empty one.
fn copy_blocks(input: &mut impl Read, output: &mut impl Write) -> Result<(), PictureError> {
    loop {
        let [length] = read_array(input)?;
        output.write_all(&[length])?;
        if length == 0 {
            return Ok(());
        }
        copy_exact(input, output, length.into())?;
    }
}

/// The bytes of the table of colours that these flags announce.
fn table_bytes(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0x07) + 1) }
}
