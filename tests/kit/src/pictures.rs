//! Pictures as people and attackers upload them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// A picture with colours that change from left to right and from top to bottom.
#[must_use]
pub fn gradient(width: u32, height: u32) -> DynamicImage {
    let shade = |at: u32, of: u32| (at * 255 / of.max(1)) as u8;
    RgbImage::from_fn(width, height, |x, y| Rgb([shade(x, width), shade(y, height), 128])).into()
}

/// A picture as a file of a format.
///
/// # Panics
/// When the format cannot be written.
#[must_use]
#[expect(clippy::expect_used, reason = "in a test, what is not as expected panics")]
pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a format that is written");
    bytes.into_inner()
}

/// What a camera says in Exif: that the picture is to be turned by this orientation (1 to 8), and a place, as this text.
#[must_use]
pub fn exif(orientation: u8, place: &str) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let (first, second) = (8_u32, 8 + 2 + 2 * 12 + 4);
    let text = second + 2 + 12 + 4;
    let mut exif = b"II*\0".to_vec();
    exif.extend(first.to_le_bytes());
    // The first directory: the orientation, and where the one with the place begins.
    exif.extend(2_u16.to_le_bytes());
    exif.extend(entry(0x0112, 3, 1, orientation.into()));
    exif.extend(entry(0x8825, 4, 1, second));
    exif.extend(0_u32.to_le_bytes());
    // The second: GPSProcessingMethod, a text of any length.
    exif.extend(1_u16.to_le_bytes());
    exif.extend(entry(0x001b, 7, place.len() as u32, text));
    exif.extend(0_u32.to_le_bytes());
    exif.extend(place.as_bytes());
    exif
}

/// A JPEG as a phone makes it: with Exif, XMP, a comment, and something behind its end.
#[must_use]
pub fn photograph(width: u32, height: u32, orientation: u8, place: &str) -> Vec<u8> {
    let plain = encoded(&gradient(width, height), ImageFormat::Jpeg);
    let segment = |marker: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).unwrap_or(u16::MAX);
        [&[0xff, marker][..], &length.to_be_bytes(), data].concat()
    };
    let exif = [&b"Exif\0\0"[..], &exif(orientation, place)].concat();
    let xmp = format!("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>{place}</x:xmpmeta>");
    [
        &plain[..2],
        &segment(0xe1, &exif),
        &segment(0xe1, xmp.as_bytes()),
        &segment(0xed, format!("Photoshop 3.0\0{place}").as_bytes()),
        &segment(0xfe, place.as_bytes()),
        &plain[2..],
        place.as_bytes(),
    ]
    .concat()
}

/// A chunk of PNG.
#[must_use]
pub fn png_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&kind);
    sum.update(data);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &kind, data, &sum.finalize().to_be_bytes()].concat()
}

/// A decompression bomb: a valid PNG of so many black pixels on each side, which unfolds to about eight hundred times its
/// bytes.
#[must_use]
pub fn bomb(side: u32) -> Vec<u8> {
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &png_chunk(*b"IHDR", &header),
        &png_chunk(*b"IDAT", &zeros(u64::from(side) * (u64::from(side) + 1))),
        &png_chunk(*b"IEND", b""),
    ]
    .concat()
}

/// So many zeros by zlib (RFC 1950): one block of fixed codes (RFC 1951, section 3.2.6), that is a zero, and then repeats of it.
fn zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x78, 0x01], filled: 0 };
    bits.write(0b1, 1);
    bits.write(0b01, 2);
    let mut left = count;
    while left > 0 {
        if left < count && left >= 258 {
            // The longest repeat has the code 285, 11000101, most significant bit first, and the distance 1 five zeros.
            bits.write(0b1010_0011, 8);
            bits.write(0, 5);
            left -= 258;
        } else {
            // The literal 0 is 00110000.
            bits.write(0b0000_1100, 8);
            left -= 1;
        }
    }
    // The end of the block is 256: seven zeros.
    bits.write(0, 7);
    let mut bytes = bits.bytes;
    // Adler-32 of zeros.
    bytes.extend((((count % 65_521) as u32) << 16 | 1).to_be_bytes());
    bytes
}

/// Bits from the least significant one of each byte on.
struct Bits {
    bytes: Vec<u8>,
    /// Of the last byte; a full one counts as none.
    filled: u32,
}

impl Bits {
    fn write(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.filled == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << self.filled;
            }
            self.filled = (self.filled + 1) % 8;
        }
    }
}
