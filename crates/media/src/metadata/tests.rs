use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use madang_test_kit::pictures::{encoded, exif, gradient, photograph, png_chunk};

use super::*;
use crate::sniff;

/// Where the pictures were taken.
const PLACE: &str = "37.5665N 126.9780E";

fn removed(kind: PictureKind, picture: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut kept = Vec::new();
    remove_metadata(kind, &mut Cursor::new(picture), &mut kept).map(|()| kept)
}

/// What is kept of a picture says nothing of the place, is of the same kind and shows the same.
fn check(kind: PictureKind, format: ImageFormat, plain: &[u8], with_metadata: &[u8]) -> Vec<u8> {
    let holds_place = |bytes: &[u8]| bytes.windows(PLACE.len()).any(|part| part == PLACE.as_bytes());
    assert!(holds_place(with_metadata), "{kind:?}: there is something to remove");
    let kept = removed(kind, with_metadata).unwrap();
    assert!(!holds_place(&kept), "{kind:?}");
    assert_eq!(sniff(&kept).picture, Some(kind));
    let decoded = |bytes: &[u8]| image::load_from_memory_with_format(bytes, format).unwrap();
    assert_eq!(decoded(&kept), decoded(plain), "{kind:?}");
    assert_eq!(removed(kind, &kept).unwrap(), kept, "{kind:?}: a second time nothing is left to remove");
    kept
}

/// All that this format says of how it is to be turned.
fn orientation(kept: &[u8], format: ImageFormat) -> u8 {
    use image::ImageDecoder as _;
    let mut decoder = image::ImageReader::with_format(Cursor::new(kept), format).into_decoder().unwrap();
    decoder.orientation().unwrap().to_exif()
}

#[test]
fn a_photograph_says_nothing_of_its_place_and_stands_as_it_stood() {
    let plain = encoded(&gradient(64, 48), ImageFormat::Jpeg);
    let kept = check(PictureKind::Jpeg, ImageFormat::Jpeg, &plain, &photograph(64, 48, 6, PLACE));
    assert_eq!(orientation(&kept, ImageFormat::Jpeg), 6);
    let upright = check(PictureKind::Jpeg, ImageFormat::Jpeg, &plain, &photograph(64, 48, 1, PLACE));
    assert_eq!(upright, plain, "of an upright one nothing of Exif is left");
}

#[test]
fn a_png_says_nothing_of_its_place() {
    let plain = encoded(&gradient(33, 20), ImageFormat::Png);
    // Behind the signature and the header.
    let (begin, rest) = plain.split_at(8 + 25);
    let text = png_chunk(*b"tEXt", format!("Comment\0{PLACE}").as_bytes());
    let own = png_chunk(*b"gpSx", PLACE.as_bytes());
    let turned = png_chunk(*b"eXIf", &exif(3, PLACE));
    let with_metadata = [begin, &turned, &text, &own, rest, PLACE.as_bytes()].concat();
    let kept = check(PictureKind::Png, ImageFormat::Png, &plain, &with_metadata);
    assert_eq!(orientation(&kept, ImageFormat::Png), 3);
}

#[test]
fn a_webp_says_nothing_of_its_place() {
    let plain = encoded(&gradient(21, 20), ImageFormat::WebP);
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let padding = vec![0; data.len() % 2];
        [&kind[..], &(data.len() as u32).to_le_bytes(), data, &padding].concat()
    };
    let riff =
        |chunks: &[u8]| [&b"RIFF"[..], &(chunks.len() as u32 + 4).to_le_bytes(), b"WEBP", chunks].concat();
    let extended = chunk(b"VP8X", &[0x0c, 0, 0, 0, 20, 0, 0, 19, 0, 0]);
    let pixels = &plain[12..];
    let (turned, xmp) = (chunk(b"EXIF", &exif(8, PLACE)), chunk(b"XMP ", PLACE.as_bytes()));
    let own = chunk(b"gps ", format!("{PLACE}.").as_bytes());
    let with_metadata =
        [&riff(&[&extended, pixels, &turned[..], &xmp, &own].concat())[..], PLACE.as_bytes()].concat();
    let kept = check(PictureKind::WebP, ImageFormat::WebP, &plain, &with_metadata);
    assert_eq!(orientation(&kept, ImageFormat::WebP), 8);
    assert_eq!(kept[20] & (HAS_XMP | HAS_EXIF), HAS_EXIF, "the flags say what is there");
}

/// The flags of `VP8X`.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

#[test]
fn a_gif_says_nothing_of_its_place() {
    let plain = encoded(&DynamicImage::from(gradient(17, 9).to_rgba8()), ImageFormat::Gif);
    let table = if plain[10] & 0x80 == 0 { 0 } else { 3 << ((plain[10] & 7) + 1) };
    let (begin, rest) = plain.split_at(13 + table);
    let blocks = |data: &[u8]| [&[data.len() as u8][..], data, &[0]].concat();
    let comment = [&[0x21, 0xfe][..], &blocks(PLACE.as_bytes())].concat();
    let xmp = [&[0x21, 0xff, 11][..], b"XMP DataXMP", &blocks(PLACE.as_bytes())].concat();
    let loops = [&[0x21, 0xff, 11][..], b"NETSCAPE2.0", &blocks(&[1, 0, 0])].concat();
    let with_metadata = [begin, &comment, &xmp, &loops, rest, PLACE.as_bytes()].concat();
    let kept = check(PictureKind::Gif, ImageFormat::Gif, &plain, &with_metadata);
    assert!(kept.windows(11).any(|part| part == b"NETSCAPE2.0"), "it still repeats");
}

#[test]
fn what_is_cut_or_no_picture_is_broken() {
    let pictures = [
        (PictureKind::Jpeg, photograph(64, 48, 6, PLACE)),
        (PictureKind::Png, encoded(&gradient(33, 20), ImageFormat::Png)),
        (PictureKind::WebP, encoded(&gradient(33, 20), ImageFormat::WebP)),
        (PictureKind::Gif, encoded(&gradient(33, 20), ImageFormat::Gif)),
    ];
    for (kind, picture) in &pictures {
        let end = picture.len() - PLACE.len().min(if *kind == PictureKind::Jpeg { usize::MAX } else { 0 });
        for cut in [0, 1, 5, 12, 20, end / 2, end - 1] {
            let outcome = removed(*kind, &picture[..cut]);
            assert!(matches!(outcome, Err(PictureError::Broken(_))), "{kind:?} cut at {cut}: {outcome:?}");
        }
    }
    for kind in [PictureKind::Jpeg, PictureKind::Png, PictureKind::WebP, PictureKind::Gif] {
        assert!(matches!(removed(kind, &[0x20; 64]), Err(PictureError::Broken(_))), "{kind:?}");
    }
}

#[test]
fn a_jpeg_of_very_many_scans_is_refused() {
    let plain = encoded(&gradient(16, 16), ImageFormat::Jpeg);
    let scan = plain.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let (begin, rest) = plain.split_at(scan);
    let (scan, end) = rest.split_at(rest.len() - 2);
    let with = |scans: usize| [begin, &scan.repeat(scans), end].concat();
    assert!(removed(PictureKind::Jpeg, &with(100)).is_ok());
    assert!(matches!(removed(PictureKind::Jpeg, &with(101)), Err(PictureError::Broken(_))));
}
