//! The media type of a file, by its first bytes.

/// The bytes of a file that say what it is. Further ones are not looked at.
pub const HEAD_MAX_BYTES: usize = 8 * 1_024;

/// The media types that a browser may show within a page: none of them can hold a script.
const INLINE: [&str; 11] = [
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/m4a",
    "audio/aac",
];

const UNKNOWN: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";
const SVG: &str = "image/svg+xml";
const HTML: &str = "text/html";

/// A kind of picture of which thumbnails are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// GIF.
    Gif,
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniffed {
    /// The media type.
    pub media_type: &'static str,
    /// The kind of picture, if it is one of which thumbnails are made.
    pub picture: Option<PictureKind>,
}

/// What a file is that begins with these bytes.
#[must_use]
pub fn sniff(head: &[u8]) -> Sniffed {
    let head = &head[..head.len().min(HEAD_MAX_BYTES)];
    let found = infer::get(head).map(|found| found.mime_type());
    let media_type = match found.filter(|found| is_whole(found, head)) {
        Some("text/xml") if holds_svg(head) => SVG,
        Some(found) => found,
        None if !is_text(head) => UNKNOWN,
        None if holds_svg(head) => SVG,
        None if holds_html(head) => HTML,
        None => TEXT,
    };
    let picture = match media_type {
        "image/jpeg" => Some(PictureKind::Jpeg),
        "image/png" => Some(PictureKind::Png),
        "image/webp" => Some(PictureKind::WebP),
        "image/gif" => Some(PictureKind::Gif),
        _ => None,
    };
    Sniffed { media_type, picture }
}

/// Whether a picture begins as its format has it: some are known by their first letters, with which a text may begin, too.
fn is_whole(media_type: &str, head: &[u8]) -> bool {
    match media_type {
        "image/png" => head.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/gif" => head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
        "image/webp" => head.starts_with(b"RIFF"),
        _ => true,
    }
}

/// Whether a browser may show such a file within a page. Anything else it is to save: a page or a drawing (HTML, SVG) could
/// hold a script, which would run with the rights of this server's own pages.
#[must_use]
pub fn is_shown_inline(media_type: &str) -> bool {
    INLINE.contains(&media_type)
}

/// Whether it is text in UTF-8, perhaps cut within the last character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

fn holds_svg(head: &[u8]) -> bool {
    holds_tag(head, &["svg"])
}

/// Whether a browser that guesses might take it for a page.
fn holds_html(head: &[u8]) -> bool {
    holds_tag(head, &["html", "head", "body", "script", "iframe", "!doctype html", "style", "meta", "link"])
}

/// Whether one of these begins somewhere in it behind a `<`, in whatever case.
fn holds_tag(head: &[u8], names: &[&str]) -> bool {
    head.iter().enumerate().filter(|(_, byte)| **byte == b'<').any(|(at, _)| {
        let rest = &head[at + 1..];
        names.iter().any(|name| {
            rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_type(bytes: &[u8]) -> &'static str {
        sniff(bytes).media_type
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"MZ\x90\0\x03\0\0\0", "application/vnd.microsoft.portable-executable"),
            (&[&b"\x7fELF\x02\x01\x01"[..], &[0; 60]].concat(), "application/x-executable"),
            (b"GIFs are pictures that move", TEXT),
            (b"\x89PNG is how it begins", UNKNOWN),
            (b"\0\x01\x02", UNKNOWN),
            (b"", TEXT),
            ("마당에서 만나요\n".as_bytes(), TEXT),
            // Cut in the middle of a character, as the end of the head may be.
            (&"마당".as_bytes()[..5], TEXT),
            (b"\xff\xfe\xfa", UNKNOWN),
        ] {
            assert_eq!(media_type(bytes), expected, "{bytes:?}");
        }
        assert_eq!(sniff(b"GIF89a\x01\0\x01\0").picture, Some(PictureKind::Gif));
        assert_eq!(sniff(b"%PDF-1.7\n").picture, None);
    }

    #[test]
    fn what_can_hold_a_script_is_never_shown_inline() {
        for bytes in [
            &b"<!DOCTYPE html><title>x</title>"[..],
            b"  <html>",
            b"hello <SCRIPT>alert(1)</script>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            b"<?xml version=\"1.0\"?>\n<!-- x -->\n<svg/>",
            b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            b"%PDF-1.7\n",
        ] {
            assert!(!is_shown_inline(media_type(bytes)), "{bytes:?}");
        }
        assert_eq!(media_type(b"<svg/>"), SVG);
        assert_eq!(media_type(b"hello <SCRIPT>alert(1)</script>"), HTML);
        for shown in INLINE {
            assert!(is_shown_inline(shown));
            assert!(!["xml", "html", "svg", "pdf", "script"].iter().any(|word| shown.contains(word)));
        }
        assert!(!is_shown_inline(TEXT) && !is_shown_inline(UNKNOWN));
    }
}
