//! Attachments: what a message says of a file that it points to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    FileId, TextError,
    address::{check_absolute, check_characters, is_unfit},
    bounded::bounded_text,
    limits::{ATTACHMENT_URL_MAX_BYTES, FILE_NAME_MAX_BYTES, MEDIA_TYPE_MAX_CHARS},
    unicode::{is_visible, problem_in_names, to_nfc},
};

/// The media type of a file of which nothing is known (RFC 2046, section 4.5.1).
const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";
/// The characters of a type's or a subtype's name (RFC 6838, section 4.2).
const RESTRICTED_NAME_MAX_CHARS: usize = 127;

/// An attachment of a message: an uploaded file, or a link to a file elsewhere, with its name, type and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// The URL of the file. Of an uploaded file it is the path below the base path.
    pub url: AttachmentUrl,
    /// The name of the file.
    pub name: FileName,
    /// The media type of the file: of an uploaded file what its bytes say, of a link what the sender states.
    pub content_type: MediaType,
    /// The size of the file, in bytes; of a link as the sender states it.
    pub size_bytes: u64,
    /// The id of the uploaded file; absent from a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
    /// The picture's size and placeholder, if the uploaded file is a picture of which there are thumbnails; absent from
    /// all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// What a client needs to know of a picture before it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// The width, in pixels, as it is to be shown.
    pub width: u32,
    /// The height, in pixels, as it is to be shown.
    pub height: u32,
    /// A BlurHash (<https://blurha.sh>): a text from which a blurred picture is made while the real one is on its way.
    pub placeholder: String,
}

impl Attachment {
    /// An uploaded file that a message is to have. Whatever else there is to say of it the store knows, and says it where it
    /// appends the message.
    ///
    /// # Errors
    /// Never: the texts are fixed.
    pub fn of_file(file: FileId) -> Result<Self, TextError> {
        Ok(Self {
            url: AttachmentUrl::of_file(file)?,
            name: FileName::new("-")?,
            content_type: MediaType::new(UNKNOWN_MEDIA_TYPE)?,
            size_bytes: 0,
            file: Some(file),
            image: None,
        })
    }

    /// An attachment as an earlier version accepted and recorded it. That version took any short text for a name and for
    /// a media type, and more for an address; what this one refuses is made fit, since a room must open whatever was once
    /// sent to it.
    ///
    /// # Errors
    /// When the address is longer than any version accepted.
    pub fn recorded(
        url: String,
        name: &str,
        content_type: String,
        size_bytes: u64,
    ) -> Result<Self, TextError> {
        let content_type = MediaType::new(content_type).or_else(|_| MediaType::new(UNKNOWN_MEDIA_TYPE))?;
        Ok(Self {
            url: AttachmentUrl::recorded(url)?,
            name: FileName::made_fit(name)?,
            content_type,
            size_bytes,
            file: None,
            image: None,
        })
    }
}

bounded_text!(
    /// A media type (RFC 6838), with or without parameters: `image/png`, `text/plain; charset=utf-8`. At most 255
    /// characters; the longest registered one of a word processor has 71.
    MediaType,
    |text| {
        if text.len() > MEDIA_TYPE_MAX_CHARS {
            return Err(TextError::new(
                "content_type",
                format!("is longer than {MEDIA_TYPE_MAX_CHARS} characters"),
            ));
        }
        if !is_media_type(&text) {
            return Err(TextError::new("content_type", "must be a media type such as image/png"));
        }
        Ok(text)
    }
);
bounded_text!(
    /// A file's name without its folder, in Normalization Form C: 1 to 255 bytes on one line, one character of it visible.
    /// Characters that change the direction of the text around them are refused, since with them `exe.png` shows what is
    /// `gnp.exe`; so is all that no name holds.
    FileName,
    |text| {
        let text = to_nfc(text);
        if text.is_empty() || text.len() > FILE_NAME_MAX_BYTES {
            return Err(TextError::new("name", format!("must have 1 to {FILE_NAME_MAX_BYTES} bytes")));
        }
        if text.contains(['/', '\\']) || matches!(text.as_str(), "." | "..") {
            return Err(TextError::new("name", "must be a file's name without a folder"));
        }
        if let Some(problem) = text.chars().find_map(problem_in_names) {
            return Err(TextError::new("name", problem));
        }
        if !text.contains(is_visible) {
            return Err(TextError::new("name", "must have a visible character"));
        }
        Ok(text)
    }
);
bounded_text!(
    /// The address of a file: an absolute `https` or `http` one with a host and without a user, or a path on the same
    /// server that begins with one `/`; at most 2,048 bytes.
    AttachmentUrl,
    |text| {
        if text.len() > ATTACHMENT_URL_MAX_BYTES {
            return Err(TextError::new("url", format!("is longer than {ATTACHMENT_URL_MAX_BYTES} bytes")));
        }
        // `//host` is the address of another server, and browsers read `/\host` as the same.
        if text.starts_with('/') && !text.starts_with("//") {
            check_characters("url", &text)?;
        } else if text.starts_with("http") {
            check_absolute("url", &text)?;
        } else {
            return Err(TextError::new("url", "must be an http or https address, or a path that begins with /"));
        }
        Ok(text)
    }
);

impl AttachmentUrl {
    /// The address of an uploaded file: its path below the base path.
    ///
    /// # Errors
    /// Never: a path is an address.
    pub fn of_file(file: FileId) -> Result<Self, TextError> {
        Self::new(format!("/v1/files/{file}"))
    }

    /// An address as an earlier version accepted it, which took any character that is no blank. Those that this one
    /// refuses are percent-encoded, as browsers do; one that is refused all the same stays as it is.
    fn recorded(text: String) -> Result<Self, TextError> {
        Self::new(text.as_str()).or_else(|error| {
            if text.len() > ATTACHMENT_URL_MAX_BYTES {
                return Err(error);
            }
            let mut encoded = String::with_capacity(text.len());
            for c in text.chars() {
                if is_unfit(c) {
                    c.encode_utf8(&mut [0; 4])
                        .bytes()
                        .for_each(|byte| encoded.push_str(&format!("%{byte:02X}")));
                } else {
                    encoded.push(c);
                }
            }
            Ok(Self::new(encoded).unwrap_or_else(|_| Self(text.into_boxed_str())))
        })
    }
}

impl FileName {
    /// The name with `_` for each character that a file's name must not have, cut to the longest that it may be.
    fn made_fit(text: &str) -> Result<Self, TextError> {
        let unfit = |c: char| matches!(c, '/' | '\\') || problem_in_names(c).is_some();
        let mut name = text.replace(unfit, "_");
        name.truncate(name.floor_char_boundary(FILE_NAME_MAX_BYTES));
        match Self::new(name) {
            Ok(name) => Ok(name),
            // Blank, or a folder's name.
            Err(_) => Self::new("_"),
        }
    }
}

/// `type "/" subtype *( OWS ";" OWS parameter )`, the parameters by RFC 9110, section 5.6.6.
fn is_media_type(text: &str) -> bool {
    let (names, mut rest) = match text.find([';', ' ', '\t']) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    if !names
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_restricted_name(kind) && is_restricted_name(subtype))
    {
        return false;
    }
    while !rest.is_empty() {
        let Some(parameter) = blank_stripped(rest).strip_prefix(';') else { return false };
        let Some(after) = parameter_stripped(blank_stripped(parameter)) else { return false };
        rest = after;
    }
    true
}

/// A letter or digit, then letters, digits and `!#$&-^_.+` (RFC 6838, section 4.2).
fn is_restricted_name(text: &str) -> bool {
    text.len() <= RESTRICTED_NAME_MAX_CHARS
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
}

fn blank_stripped(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// What stands behind one `name=value`, where one stands.
fn parameter_stripped(text: &str) -> Option<&str> {
    let after = token_stripped(text)?.strip_prefix('=')?;
    match after.strip_prefix('"') {
        None => token_stripped(after),
        Some(quoted) => {
            let mut characters = quoted.char_indices();
            while let Some((at, c)) = characters.next() {
                match c {
                    '"' => return Some(&quoted[at + 1..]),
                    '\\' if !matches!(characters.next(), Some((_, ' '..='~'))) => return None,
                    ' '..='~' => {}
                    _ => return None,
                }
            }
            None
        }
    }
}

/// What stands behind a token (RFC 9110, section 5.6.2), where one stands.
fn token_stripped(text: &str) -> Option<&str> {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_of_token(c)).unwrap_or(text.len());
    (end > 0).then(|| &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn a_media_type_may_be_as_long_as_those_of_office_files() {
        assert_eq!(WORD.len(), 71);
        for text in [
            WORD,
            "image/png",
            "image/svg+xml",
            "text/plain; charset=utf-8",
            "text/plain;charset=\"utf-8\" ; format=flowed",
            "multipart/mixed; boundary=\"a \\\"b;\\\"\"",
            &format!("a/{}; b={}", "c".repeat(127), "d".repeat(255 - 2 - 127 - 4)),
        ] {
            assert_eq!(MediaType::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for text in [
            "",
            "png",
            "image/",
            "/png",
            "image/png/x",
            "image/png;",
            "image/png; charset",
            "image/png; charset=",
            "image/png; charset=\"x",
            "image/png x=y",
            "그림/png",
            "image/p\nng",
            &format!("a/{}", "b".repeat(128)),
            &format!("a/b; c={}", "d".repeat(249)),
        ] {
            assert!(MediaType::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_s_name_has_no_folder_and_no_tricks() {
        let long = format!("{}.png", "가".repeat(83));
        assert_eq!(long.len(), 253);
        for text in ["a", "보고서 최종.docx", "...", "a\u{200f}b", &long] {
            assert!(FileName::new(text).is_ok(), "{text}");
        }
        let too_long = "x".repeat(256);
        for text in [
            "",
            " ",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\nb",
            "a\0b",
            "annexe\u{202e}gnp.exe",
            "\u{2066}a",
            "\u{3164}",
            "a\u{e0041}",
            "a\u{378}",
            &too_long,
        ] {
            assert!(FileName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_was_recorded_with_other_bounds_is_made_fit() {
        let recorded = |name: &str, content_type: &str| {
            Attachment::recorded("https://files.example/1".to_owned(), name, content_type.to_owned(), 1)
                .unwrap()
        };
        assert_eq!(recorded("a b.png", "image/png").name.as_str(), "a b.png");
        assert_eq!(recorded("a b.png", "image/png").content_type.as_str(), "image/png");
        assert_eq!(recorded("in/out\\\u{202e}", "a photo").name.as_str(), "in_out__");
        assert_eq!(recorded("..", "a photo").name.as_str(), "_");
        assert_eq!(recorded("..", "a photo").content_type.as_str(), "application/octet-stream");
        let decomposed = "\u{1112}\u{1161}\u{11ab}.png";
        assert_eq!(recorded(decomposed, "image/png").name.as_str(), "한.png");
        for (url, read) in [
            ("https://files.example/\"<1>\"", "https://files.example/%22%3C1%3E%22"),
            ("https://user:password@files.example/1", "https://user:password@files.example/1"),
        ] {
            let recorded = Attachment::recorded(url.to_owned(), "a", "image/png".to_owned(), 1).unwrap();
            assert_eq!(recorded.url.as_str(), read);
        }
        assert_eq!(recorded(&"\u{1f3e1}".repeat(64), "x").name.len(), 252);
    }

    #[test]
    fn an_attachment_s_address_leads_to_a_server_or_stays_on_this_one() {
        let long = format!("https://files.example/{}", "x".repeat(2_048 - 22));
        for text in ["https://files.example/1", "http://files.example:8080", "/files/1?size=2", &long] {
            assert!(AttachmentUrl::new(text).is_ok(), "{text}");
        }
        let too_long = format!("{long}x");
        for text in [
            "",
            "files/1",
            "//evil.example/1",
            "/\\evil.example",
            "javascript:alert(1)",
            "https://",
            "https:///1",
            "ftp://files.example/1",
            "https://files.example/a b",
            "https://user:password@files.example/1",
            "https://files.example/\"onload=\"x",
            "/<script>",
            "/a\nb",
            &too_long,
        ] {
            assert!(AttachmentUrl::new(text).is_err(), "{text:?}");
        }
    }
}
