//! JPEG: segments behind markers (ITU-T T.81, annex B).

use std::io::{BufRead, Read, Write};

use super::copy::{orientation_alone, read_array};
use crate::PictureError;

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COMMENT: u8 = 0xfe;

const EXIF: &[u8] = b"Exif\0\0";
const COLOUR_PROFILE: &[u8] = b"ICC_PROFILE\0";

/// The scans of one picture. Encoders make about ten of a progressive one; each costs a pass over all pixels and may take a
/// few bytes, so that many of them in a small file would keep a processor busy for minutes.
const SCANS_MAX: u32 = 100;

pub(super) fn copy(input: &mut impl BufRead, output: &mut impl Write) -> Result<(), PictureError> {
    if read_array(input)? != [0xff, START] {
        return Err(PictureError::broken("it is no JPEG"));
    }
    output.write_all(&[0xff, START])?;
    let (mut scans, mut is_turned) = (0, false);
    let mut marker = read_marker(input)?;
    loop {
        match marker {
            END => {
                output.write_all(&[0xff, END])?;
                return Ok(());
            }
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => output.write_all(&[0xff, marker])?,
            START_OF_SCAN => {
                scans += 1;
                if scans > SCANS_MAX {
                    return Err(PictureError::broken("it has too many scans"));
                }
                let segment = read_segment(input)?;
                write_segment(output, marker, &segment)?;
                marker = copy_scan(input, output)?;
                continue;
            }
            _ => {
                let segment = read_segment(input)?;
                if marker == APP1 && !is_turned {
                    let exif = segment.strip_prefix(EXIF).and_then(orientation_alone);
                    if let Some(exif) = exif {
                        write_segment(output, APP1, &[EXIF, &exif].concat())?;
                        is_turned = true;
                    }
                }
                if is_of_picture(marker, &segment) {
                    write_segment(output, marker, &segment)?;
                }
            }
        }
        marker = read_marker(input)?;
    }
}

/// Whether a segment is needed to show the picture as it is meant.
fn is_of_picture(marker: u8, segment: &[u8]) -> bool {
    match marker {
        APP0 | APP14 => true,
        APP2 => segment.starts_with(COLOUR_PROFILE),
        APP1..=APP15 | COMMENT => false,
        _ => true,
    }
}

/// The next marker, behind any number of fill bytes.
fn read_marker(input: &mut impl Read) -> Result<u8, PictureError> {
    if read_array(input)? != [0xff] {
        return Err(PictureError::broken("a marker is missing"));
    }
    loop {
        match read_array(input)? {
            [0xff] => {}
            [0x00] => return Err(PictureError::broken("a marker is missing")),
            [marker] => return Ok(marker),
        }
    }
}

fn read_segment(input: &mut impl Read) -> Result<Vec<u8>, PictureError> {
    let length = u16::from_be_bytes(read_array(input)?);
    let Some(length) = length.checked_sub(2) else {
        return Err(PictureError::broken("a segment is too short"));
    };
    let mut segment = vec![0; length.into()];
    input.read_exact(&mut segment)?;
    Ok(segment)
}

fn write_segment(output: &mut impl Write, marker: u8, segment: &[u8]) -> Result<(), PictureError> {
    let length =
        u16::try_from(segment.len() + 2).map_err(|_| PictureError::broken("a segment is too long"))?;
    output.write_all(&[0xff, marker])?;
    output.write_all(&length.to_be_bytes())?;
    Ok(output.write_all(segment)?)
}

/// Copies the data of a scan, up to the marker behind them, which it answers. Within them `0xff` stands before a 0 or is a
/// marker that restarts decoding.
fn copy_scan(input: &mut impl BufRead, output: &mut impl Write) -> Result<u8, PictureError> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Err(PictureError::broken("it ends too early"));
        }
        let data = buffer.iter().position(|byte| *byte == 0xff).unwrap_or(buffer.len());
        output.write_all(&buffer[..data])?;
        let is_at_marker = data < buffer.len();
        input.consume(data);
        if is_at_marker {
            match read_escaped(input)? {
                marker @ (0x00 | 0xd0..=0xd7) => output.write_all(&[0xff, marker])?,
                marker => return Ok(marker),
            }
        }
    }
}

/// What stands behind an `0xff` and any number of fill bytes.
fn read_escaped(input: &mut impl Read) -> Result<u8, PictureError> {
    loop {
        match read_array(input)? {
            [0xff] => {}
            [byte] => return Ok(byte),
        }
    }
}
