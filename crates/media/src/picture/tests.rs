use image::{Rgba, RgbaImage};
use madang_test_kit::pictures::{bomb, encoded, gradient, photograph};

use super::*;

const BOUNDS: PictureBounds = PictureBounds { pixels: 25_000_000 };

fn read(kind: PictureKind, bytes: &[u8]) -> Result<Picture, PictureError> {
    read_picture(kind, Cursor::new(bytes), BOUNDS)
}

fn size_of(thumbnail: &Thumbnail) -> (u32, u32) {
    let decoded = image::load_from_memory(&thumbnail.bytes).unwrap();
    (decoded.width(), decoded.height())
}

#[test]
fn a_picture_of_each_kind_has_two_thumbnails_and_a_placeholder() {
    for (kind, format) in [
        (PictureKind::Jpeg, ImageFormat::Jpeg),
        (PictureKind::Png, ImageFormat::Png),
        (PictureKind::WebP, ImageFormat::WebP),
        (PictureKind::Gif, ImageFormat::Gif),
    ] {
        let picture = read(kind, &encoded(&gradient(1_600, 800), format)).unwrap();
        assert_eq!((picture.width, picture.height), (1_600, 800), "{kind:?}");
        assert_eq!(picture.thumbnails.each_ref().map(size_of), [(360, 180), (1_280, 640)], "{kind:?}");
        assert_eq!(picture.placeholder.len(), 28, "{kind:?}");
        let decoded = blurhash::decode(&picture.placeholder, 8, 8, 1.0).unwrap();
        // Red grows from left to right, green from top to bottom.
        let pixel = |x: usize, y: usize| &decoded[4 * (8 * y + x)..][..3];
        assert!(pixel(7, 4)[0] > pixel(0, 4)[0] + 60 && pixel(4, 7)[1] > pixel(4, 0)[1] + 60, "{kind:?}");
    }
}

#[test]
fn what_is_small_is_not_enlarged() {
    let picture = read(PictureKind::Png, &encoded(&gradient(40, 30), ImageFormat::Png)).unwrap();
    assert_eq!(picture.thumbnails.each_ref().map(size_of), [(40, 30), (40, 30)]);
}

#[test]
fn a_photograph_that_lies_on_its_side_is_shown_upright() {
    let picture = read(PictureKind::Jpeg, &photograph(800, 400, 6, "")).unwrap();
    assert_eq!((picture.width, picture.height), (400, 800));
    assert_eq!(picture.thumbnails.each_ref().map(size_of), [(180, 360), (400, 800)]);
}

#[test]
fn a_picture_through_which_one_sees_has_thumbnails_of_that_kind() {
    let glass = RgbaImage::from_pixel(500, 500, Rgba([200, 10, 10, 100]));
    let picture = read(PictureKind::Png, &encoded(&glass.into(), ImageFormat::Png)).unwrap();
    assert_eq!(picture.thumbnails.each_ref().map(|thumbnail| thumbnail.media_type), ["image/png"; 2]);
    let decoded = image::load_from_memory(&picture.thumbnails[0].bytes).unwrap().to_rgba8();
    assert_eq!(decoded.get_pixel(5, 5).0, [200, 10, 10, 100]);
    let opaque = RgbaImage::from_pixel(500, 500, Rgba([200, 10, 10, 255]));
    let picture = read(PictureKind::Png, &encoded(&opaque.into(), ImageFormat::Png)).unwrap();
    assert_eq!(picture.thumbnails.each_ref().map(|thumbnail| thumbnail.media_type), ["image/jpeg"; 2]);
}

#[test]
fn a_decompression_bomb_is_refused_before_it_unfolds() {
    // It is a picture: a small one of its kind is read.
    let small = read(PictureKind::Png, &bomb(100)).unwrap();
    assert_eq!((small.width, small.height), (100, 100));
    let bomb = bomb(20_000);
    assert!(bomb.len() < 3 << 20, "{} bytes for 400 million pixels", bomb.len());
    let began = std::time::Instant::now();
    assert!(matches!(read(PictureKind::Png, &bomb), Err(PictureError::TooLarge)));
    assert!(began.elapsed().as_millis() < 500, "{:?}", began.elapsed());
    // Both sides of the bound.
    let bounds = PictureBounds { pixels: 100 * 100 };
    let side =
        |side| read_picture(PictureKind::Png, Cursor::new(madang_test_kit::pictures::bomb(side)), bounds);
    assert!(side(100).is_ok());
    assert!(matches!(side(101), Err(PictureError::TooLarge)));
}

#[test]
fn what_is_no_picture_is_broken() {
    for kind in [PictureKind::Jpeg, PictureKind::Png, PictureKind::WebP, PictureKind::Gif] {
        for bytes in [&b""[..], &[0xff; 100], b"GIF89a", b"\xff\xd8\xff\xd9"] {
            assert!(matches!(read(kind, bytes), Err(PictureError::Broken(_))), "{kind:?}");
        }
    }
}
