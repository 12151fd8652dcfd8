//! The bytes of an uploaded file: what they are said to be, and what is kept of a picture.

use std::io::Cursor;

use madang_domain::MediaType;
use madang_media::{PictureBounds, is_shown_inline, read_picture, remove_metadata, sniff};

/// Few enough that an input takes no time, whatever it says of its size.
const BOUNDS: PictureBounds = PictureBounds { pixels: 10_000 };

pub(crate) fn check(input: &[u8]) {
    let sniffed = sniff(input);
    assert!(MediaType::new(sniffed.media_type).is_ok(), "{}", sniffed.media_type);
    if is_shown_inline(sniffed.media_type) {
        let begin = input.trim_ascii_start();
        assert!(!begin.starts_with(b"<"), "a browser might take {} for a page", sniffed.media_type);
    }
    let Some(kind) = sniffed.picture else { return };
    let mut kept = Vec::new();
    if remove_metadata(kind, &mut Cursor::new(input), &mut kept).is_ok() {
        // The orientation may be written with a few bytes more than it was.
        assert!(kept.len() <= input.len() + 64, "{} of {}", kept.len(), input.len());
        let mut again = Vec::new();
        let outcome = remove_metadata(kind, &mut Cursor::new(&kept), &mut again);
        assert!(outcome.is_ok() && again == kept, "a second time nothing is left to leave out");
        assert_eq!(sniff(&kept).picture, Some(kind));
    }
    if let Ok(picture) = read_picture(kind, Cursor::new(input), BOUNDS) {
        assert!(u64::from(picture.width) * u64::from(picture.height) <= BOUNDS.pixels);
        assert!((6..=28).contains(&picture.placeholder.len()), "{}", picture.placeholder);
        assert!(picture.thumbnails.iter().all(|thumbnail| sniff(&thumbnail.bytes).picture.is_some()));
    }
}
