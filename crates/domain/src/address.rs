//! Addresses that clients follow.

use crate::{TextError, unicode};

/// Checks an absolute `http` or `https` address: it names a host, holds neither a user nor a password, and nothing that
/// ends an attribute or begins a tag in a page that shows it unescaped.
pub(crate) fn check_absolute(field: &'static str, text: &str) -> Result<(), TextError> {
    let malformed = || {
        TextError::new(
            field,
            "must be an http or https address with a host, such as https://example.com/a.png",
        )
    };
    let after =
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(malformed)?;
    check_characters(field, text)?;
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(TextError::new(field, "must not contain a user or a password"));
    }
    // The parser takes more slashes than two for two, so that what follows them would become the host.
    if authority.is_empty() || !url::Url::parse(text).is_ok_and(|url| url.host().is_some()) {
        return Err(malformed());
    }
    Ok(())
}

/// Checks that an address holds no character that must be percent-encoded for its readers' safety.
pub(crate) fn check_characters(field: &'static str, text: &str) -> Result<(), TextError> {
    if text.contains(is_unfit) {
        return Err(TextError::new(
            field,
            "must not contain blanks, control characters, '\"', '<', '>', '`' or '\\': percent-encode them",
        ));
    }
    Ok(())
}

/// Whether an address must hold a character in its percent-encoded form alone.
pub(crate) fn is_unfit(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '<' | '>' | '`' | '\\')
        || unicode::is_bidi_control(c)
        || unicode::is_tag(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_no_tricks() {
        for text in [
            "https://example.com/a.png",
            "http://files.example:8080",
            "https://예시.한국/사진.png?크기=2#끝",
            "https://[2001:db8::7]/a",
            "https://example.com/a@b",
        ] {
            assert_eq!(check_absolute("url", text), Ok(()), "{text}");
        }
        for text in [
            "",
            "example.com/a.png",
            "https://",
            "https:///a.png",
            "https://?a",
            "https://#a",
            "https://:443/a",
            "https://exa%mple/a",
            "https://example.com:port/a",
            "https://user@example.com/a",
            "https://user:password@example.com/a",
            "https://@example.com/a",
            "https://example.com/\"onerror=\"x",
            "https://example.com/<script>",
            "https://example.com/a b",
            "https://example.com\\@evil.example/",
            "https://example.com/a\u{0}",
            "https://example.com/\u{202e}gnp.exe",
            "javascript:alert(1)",
            "ftp://example.com/a",
        ] {
            assert!(check_absolute("url", text).is_err(), "{text:?}");
        }
    }
}
